#include "tests/kvcache/protocol/command_maker.h"

#include <algorithm>

#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/binary_header.h"

namespace tombolo::kvcache {
namespace {

// Flushes what memcached has to say, and lets go of the items that it said it of: only then does it
// change a number in place.
constexpr char kFlush[] = "mn\r\n";
// A get with a key that is too long drops the answers before it, if they were not sent yet.
constexpr size_t kSafeKeyBytes = 249;
constexpr int kBrokenOneIn = 12;
constexpr int kEndingLines = 12;
constexpr size_t kEndingLineBytes = 1900;
constexpr size_t kTooLargeBytes = 1'100'000;

std::string Line(const std::string& text) { return text + "\r\n"; }

std::string Big(uint64_t number, size_t bytes) {
  std::string text;
  AppendBig(number, bytes, text);
  return text;
}

}  // namespace

std::string CommandMaker::Script(int commands) {
  std::string script;
  for (int i = 0; i < commands; ++i) script += Command();
  return script + Ending();
}

std::string CommandMaker::Command() {
  if (language_ == Language::kBinary) return Binary() + Packet(0x0a, "", "", "", 0);
  const bool is_meta = language_ == Language::kMeta && !OneIn(3);
  std::string command = is_meta ? Meta() : Text();
  const bool may_break = command.size() < kTooLargeBytes && !command.starts_with("stats") &&
                         !command.starts_with("cache_memlimit");
  if (may_break && OneIn(kBrokenOneIn)) command = Broken(command);
  return kFlush + command + kFlush;
}

// Enough to fill up a value that a broken command waits for.
std::string CommandMaker::Ending() {
  if (language_ == Language::kBinary)
    return Packet(0x08, "", "", "", 0) + Packet(0x07, "", "", "", 0);
  std::string ending;
  for (int i = 0; i < kEndingLines; ++i) ending += Line(std::string(kEndingLineBytes, 'a'));
  ending +=
      Line(Pick({"flush_all", "flush_all -1", "flush_all noreply", "flush_all x", "version"}));
  ending += Line("get a b c d e");
  return ending + Line(OneIn(4) ? "GET / HTTP/1.1" : "quit");
}

std::string CommandMaker::Key() {
  if (OneIn(60)) return std::string(OneIn(2) ? 250 : 251, 'k');
  return Pick({"a", "b", "c", "d", "e", "nothing"});
}

std::string CommandMaker::Value() {
  switch (Below(5)) {
    case 0:
      return std::to_string(Below(30) * Below(30));
    case 1:
      // Not one byte from blanks alone, and no number that looks negative as a signed one: of those
      // memcached reads on behind the value, in what the memory held before.
      return Pick({"", "18446744073709551616", "-1", "+7", "12 ", "1 2", "99", "9", "0", "x\r\ny",
                   "abc", " 55", "55\t", std::string("5\0a", 3), "-18446744073709551615"});
    case 2:
      return std::string(Below(900), static_cast<char>('a' + Below(26)));
    default:
      return std::to_string(Below(1000));
  }
}

// Never soon.
std::string CommandMaker::Exptime() {
  return Pick({"0", "0", "0", "100", "5000", "2000000000", "-1", "2592001", "4294967296",
               "2147483648", "x", "1x"});
}

std::string CommandMaker::Number() {
  return Pick({"0", "1", "1", "5", "10", "100", "-1", "4294967295", "4294967296", "+3",
               "18446744073709551615", "18446744073709551616", "-18446744073709551615", "x", "7x"});
}

uint64_t CommandMaker::SomeCas() {
  if (OneIn(10)) return 0;
  return next_cas_ - 1 - Below(8);
}

std::string CommandMaker::Text() {
  switch (Below(8)) {
    case 0:
    case 1:
    case 2:
      return Storing();
    case 3:
    case 4:
      return Fetching();
    case 5:
    case 6:
      return Counting();
    default:
      return Other();
  }
}

std::string CommandMaker::Storing() {
  if (OneIn(300)) {
    return Line("set a 0 0 " + std::to_string(kTooLargeBytes)) +
           Line(std::string(kTooLargeBytes, 'x'));
  }
  const std::string name =
      Pick({"set", "set", "set", "add", "replace", "append", "prepend", "cas"});
  const std::string value = Value();
  std::string line = name + " " + Key() + " " + (OneIn(8) ? Number() : std::to_string(Below(100)));
  line += " " + Exptime() + " " + std::to_string(value.size());
  if (name == "cas") line += " " + (OneIn(20) ? Number() : std::to_string(SomeCas()));
  if (OneIn(6)) line += Pick({" noreply", " noreply", " other"});
  ++next_cas_;
  return Line(line) + value + (OneIn(40) ? "x" : "") + "\r\n";
}

std::string CommandMaker::Fetching() {
  std::string line = Pick({"get", "gets", "gat", "gats"});
  if (line.starts_with("gat")) line += " " + Exptime();
  const uint32_t keys = OneIn(20) ? 30 : Below(4);
  for (uint32_t i = 0; i < keys; ++i)
    line += (OneIn(9) ? "  " : " ") + Key().substr(0, kSafeKeyBytes);
  return Line(line);
}

std::string CommandMaker::Counting() {
  std::string line = Pick({"incr", "decr"}) + " " + Key() + " " + Number();
  if (OneIn(8)) line += " noreply";
  ++next_cas_;
  return Line(line);
}

// What changes nothing here and little there.
std::string CommandMaker::Tuning() {
  return Line(Pick({"cache_memlimit",
                    "cache_memlimit 7",
                    "cache_memlimit x",
                    "cache_memlimit -1",
                    "cache_memlimit 2000000000",
                    "cache_memlimit 7 noreply",
                    "cache_memlimit 7 7 7",
                    "lru",
                    "lru mode",
                    "lru x y",
                    "lru temp_ttl x",
                    "lru tune 1 2 3",
                    "lru tune 10 20 0.1 x",
                    "lru_crawler",
                    "lru_crawler x",
                    "lru_crawler metadump",
                    "lru_crawler sleep 100",
                    "lru_crawler sleep x",
                    "lru_crawler sleep 2000000",
                    "lru_crawler tocrawl 5",
                    "lru_crawler tocrawl -1",
                    "lru_crawler tocrawl 5 5",
                    "slabs",
                    "slabs x",
                    "slabs reassign 1",
                    "slabs automove",
                    "slabs automove 3",
                    "slabs automove x",
                    "slabs automove 1",
                    "slabs automove 1 noreply",
                    "stats detail",
                    "stats detail x",
                    "stats detail on",
                    "stats detail off on",
                    "stats detail dump"}));
}

std::string CommandMaker::Other() {
  switch (Below(6)) {
    case 5:
      return Tuning();
    case 0:
    case 1:
      return Line("delete " + Key() + Pick({"", "", " noreply", " 0", " 0 noreply", " 1", " x y"}));
    case 2:
      return Line("touch " + Key() + " " + Exptime() + Pick({"", "", " noreply"}));
    case 3:
      return Line(Pick(
          {"verbosity", "verbosity 0", "verbosity x", "verbosity noreply", "verbosity 0 noreply"}));
    default:
      return Line(Pick({"version", "version 1", "stats sizes", "stats reset", "stats nothing",
                        "shutdown", "", " ", "x", "get", "gat", "nothing", "mx a", "mg", "incr a",
                        "set a 0 0", "cas a 0 0 1", "   get a"}));
  }
}

std::string CommandMaker::Flag(char letter) {
  const std::string name(1, letter);
  switch (letter) {
    case 'O':
      return name + (OneIn(20) ? std::string(32, 'o') : std::to_string(Below(1000)));
    case 'T':
    case 'N':
      return name + Pick({"0", "100", "5000", "2000000000"}) + (OneIn(30) ? "x" : "");
    case 'R':
      return name + Pick({"0", "30", "1000", "-1"});
    case 'C':
      return name + (OneIn(15) ? Number() : std::to_string(SomeCas()));
    case 'F':
    case 'D':
    case 'J':
      return name + Number();
    case 'M':
      return name + Pick({"E", "A", "P", "R", "S", "I", "D", "+", "-", "x", "", "EE"});
    default:
      return name;
  }
}

// Some of `letters`, each about every third time; rarely one twice, or one that nobody knows.
std::string CommandMaker::Flags(const std::string& letters) {
  std::string flags;
  for (const char letter : letters) {
    if (OneIn(3)) flags += " " + Flag(letter);
  }
  if (OneIn(30)) flags += " " + Flag(letters[Below(static_cast<uint32_t>(letters.size()))]);
  if (OneIn(40)) flags += Pick({" !", " S100", " x", " L/path", " Phint", " \xff"});
  if (OneIn(60)) flags += " A B C D E G H K U V W X Y Z e g i j m n";
  return flags;
}

std::string CommandMaker::Meta() {
  std::string key = Key();
  std::string binary;
  if (OneIn(5)) {
    key = OneIn(8) ? Pick({"=", "abc", "ab==", "a=b=", "=abc", "YQ==YQ", "!!!!", "YQ=="})
                   : EncodeBase64(key);
    binary = " b";
  }
  ++next_cas_;
  switch (Below(8)) {
    case 0:
    case 1:
      return Line("mg " + key + binary +
                  Flags(Pick({"tcvhfkOsq", "vTtRcN", "uvckOst", "RNTvqk", "TOtv", "OTth"})));
    case 2:
    case 3:
    case 4:
      return MetaSet();
    case 5:
      if (OneIn(3)) return Winning(key + binary);
      return Line("md " + key + binary + Flags(Pick({"qOkC", "ITqk", "IT"})));
    case 6:
      return Line("ma " + key + binary + Flags(Pick({"NJDcvk", "tcvMD", "qOkCMv", "vDM"})));
    default:
      return Line("me " + key + binary);
  }
}

// An item that becomes stale, or is not there, and who is told to write it anew.
std::string CommandMaker::Winning(const std::string& key) {
  const std::string get = Line("mg " + key + Pick({" v", " N100 c", " R30 v", " R1000"})) + kFlush;
  return Line(Pick({"md " + key + " I", "md " + key, "mn"})) + get + get;
}

std::string CommandMaker::MetaSet() {
  if (OneIn(300)) {
    return Line("ms a " + std::to_string(kTooLargeBytes)) + Line(std::string(kTooLargeBytes, 'x'));
  }
  const bool is_binary = OneIn(5);
  const std::string key = is_binary ? EncodeBase64(Key()) + " " : Key() + " ";
  const std::string value = Value();
  const std::string size = OneIn(40) ? Number() : std::to_string(value.size());
  const std::string flags = Flags(Pick({"cFTkqO", "CIkc", "MFT", "CMIq"}));
  return Line("ms " + key + size + (is_binary ? " b" : "") + flags) + value +
         (OneIn(40) ? "x" : "") + "\r\n";
}

std::string CommandMaker::Broken(std::string command) {
  const size_t at = Below(static_cast<uint32_t>(std::min<size_t>(command.size(), 40)));
  const char byte = OneIn(3) ? static_cast<char>(random_()) : " 019-xk\r\n"[Below(9)];
  switch (Below(3)) {
    case 0:
      return command.erase(at, 1);
    case 1:
      return command.insert(at, 1, byte);
    default:
      command[at] = byte;
      return command;
  }
}

std::string CommandMaker::Packet(uint8_t opcode, const std::string& extras, const std::string& key,
                                 const std::string& value, uint64_t cas) {
  std::string packet;
  AppendBinaryHeader(
      {.magic = kBinaryRequest,
       .opcode = opcode,
       .key_bytes = static_cast<uint16_t>(key.size()),
       .extras_bytes = static_cast<uint8_t>(extras.size()),
       .body_bytes = static_cast<uint32_t>(extras.size() + key.size() + value.size()),
       .opaque = static_cast<uint32_t>(random_()),
       .cas = cas},
      packet);
  return packet + extras + key + value;
}

std::string CommandMaker::BinaryStore(uint8_t opcode) {
  const bool is_join = opcode == 0x0e || opcode == 0x0f || opcode == 0x19 || opcode == 0x1a;
  const uint64_t exptimes[] = {0, 0, 100, 2000000000, 4294967295};
  const std::string extras =
      is_join ? "" : Big(random_() & UINT32_MAX, 4) + Big(exptimes[Below(5)], 4);
  const std::string value = OneIn(300) ? std::string(kTooLargeBytes, 'x') : Value();
  return Packet(opcode, extras, Key(), value, OneIn(4) ? SomeCas() : 0);
}

std::string CommandMaker::Binary() {
  ++next_cas_;
  const uint64_t exptimes[] = {0, 100, 2000000000, 4294967295};
  const std::string exptime = Big(exptimes[Below(4)], 4);
  switch (Below(10)) {
    case 0:
    case 1:
    case 2: {
      const uint8_t opcodes[] = {1, 2, 3, 0x0e, 0x0f, 0x11, 0x12, 0x13, 0x19, 0x1a, 1, 1};
      return BinaryStore(opcodes[Below(12)]);
    }
    case 3:
    case 4: {
      const uint8_t opcodes[] = {0x00, 0x09, 0x0c, 0x0d};
      return Packet(opcodes[Below(4)], "", Key(), "", 0);
    }
    case 5: {
      const uint8_t opcodes[] = {0x1c, 0x1d, 0x1e, 0x23, 0x24};
      return Packet(opcodes[Below(5)], exptime, Key(), "", 0);
    }
    case 6:
    case 7: {
      const uint8_t opcodes[] = {0x05, 0x06, 0x15, 0x16};
      return Packet(opcodes[Below(4)], Big(Below(20), 8) + Big(Below(100), 8) + exptime, Key(), "",
                    OneIn(5) ? SomeCas() : 0);
    }
    case 8:
      return Packet(OneIn(2) ? 0x04 : 0x14, "", Key(), "", OneIn(4) ? SomeCas() : 0);
    default:
      break;
  }
  if (OneIn(4)) return Packet(0x0b, "", "", "", 0);
  // Of what it does not know it skips extras and key once more.
  if (OneIn(4)) return Packet(0x55, "1234", "key", "value", 0) + "1234key";
  // Nothing of this shape is good, and it is the end.
  if (OneIn(6)) return Packet(static_cast<uint8_t>(Below(0x1b)), "12", OneIn(2) ? "a" : "", "", 0);
  return Packet(0x0a, "", "", "", 0);
}

}  // namespace tombolo::kvcache
