#include "kvcache/protocol/meta_request.h"

#include <algorithm>

#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/wording.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr unsigned char kFirstForeignLetter = 127;
constexpr std::string_view kBadToken = "CLIENT_ERROR bad token in command line format";

// What each flag is when its argument is bad. Of a bad F it is not said what is wrong.
struct Known {
  std::string_view letters;
  std::string_view error;
};
constexpr Known kKnown[] = {
    {"IOLPcfhklqstuv", ""},  // Any argument is good.
    {"F", ""},
    {"CNRT", kBadToken},
    {"b", "CLIENT_ERROR error decoding key"},
    {"D", "CLIENT_ERROR invalid numeric delta value"},
    {"J", "CLIENT_ERROR invalid numeric initial value"},
    {"M", "CLIENT_ERROR incorrect length for M token"},
};

const Known* FindKnown(char letter) {
  const auto known = std::find_if(std::begin(kKnown), std::end(kKnown), [letter](const Known& one) {
    return one.letters.find(letter) != std::string_view::npos;
  });
  return known == std::end(kKnown) ? nullptr : known;
}

template <typename Number>
bool Keep(std::optional<Number> read, uint64_t& number) {
  number = static_cast<uint64_t>(read.value_or(0));
  return read.has_value();
}

}  // namespace

std::string_view CheckMetaTokens(const Tokens& tokens, std::string_view too_many) {
  if (tokens[1].size() > kMaxTextKeyBytes) return kBadFormat;
  return tokens.Count() > kMaxMetaTokens ? too_many : std::string_view();
}

// SUBTLE: an unknown flag, or one that is there twice, ends it at once; of other errors the last
// one is told, because all of the flags are read first. A bad F tells of the error before it.
std::string_view MetaRequest::Read(const Tokens& tokens, size_t first) {
  key_ = tokens[1];
  std::string_view error;
  for (size_t i = first; i < tokens.Count(); ++i) {
    MetaFlag flag{.letter = tokens[i][0], .token = tokens[i]};
    if (static_cast<unsigned char>(flag.letter) >= kFirstForeignLetter || Has(flag.letter)) {
      return "CLIENT_ERROR duplicate flag";
    }
    const Known* known = FindKnown(flag.letter);
    if (known == nullptr) return "CLIENT_ERROR invalid flag";
    if (!ReadArgument(flag)) {
      if (!known->error.empty()) error = known->error;
      if (error.empty()) error = kBadFormat;
    }
    flags_[flag_count_++] = flag;
  }
  return error;
}

bool MetaRequest::ReadArgument(MetaFlag& flag) {
  const std::string_view argument = flag.token.substr(1);
  switch (flag.letter) {
    case 'C':
    case 'D':
    case 'J':
      return Keep(UnsignedIn(argument), flag.number);
    case 'F':
      return Keep(Unsigned32In(argument), flag.number);
    case 'N':
    case 'R':
    case 'T':
      return Keep(Signed32In(argument), flag.number);
    case 'M':
      return argument.size() == 1;
    case 'b': {
      std::optional<std::string> key = DecodeBase64(key_);
      key_ = key.value_or("");
      return key.has_value();
    }
    default:
      return true;
  }
}

const MetaFlag* MetaRequest::Find(char letter) const {
  for (const MetaFlag& flag : Flags()) {
    if (flag.letter == letter) return &flag;
  }
  return nullptr;
}

bool MetaRequest::HasOneOf(std::string_view letters) const {
  return std::any_of(letters.begin(), letters.end(), [this](char letter) { return Has(letter); });
}

std::optional<uint64_t> MetaRequest::Number(char letter) const {
  const MetaFlag* flag = Find(letter);
  if (flag == nullptr) return std::nullopt;
  return flag->number;
}

std::optional<int64_t> MetaRequest::Exptime(char letter) const {
  const MetaFlag* flag = Find(letter);
  if (flag == nullptr) return std::nullopt;
  return static_cast<int64_t>(flag->number);
}

int64_t MetaRequest::LastExptime() const {
  int64_t exptime = 0;
  for (const MetaFlag& flag : Flags()) {
    if (flag.letter == 'N' || flag.letter == 'T') exptime = static_cast<int64_t>(flag.number);
  }
  return exptime;
}

std::optional<int64_t> MetaRequest::ExptimeToApply() const {
  if (HasLongOpaque() && ComesBefore('O', 'T')) return std::nullopt;
  return Exptime('T');
}

bool MetaRequest::HasLongOpaque() const {
  const MetaFlag* flag = Find('O');
  return flag != nullptr && flag->token.size() > kMaxOpaqueBytes;
}

bool MetaRequest::ComesBefore(char first, char second) const {
  const MetaFlag* one = Find(first);
  const MetaFlag* other = Find(second);
  return one != nullptr && other != nullptr && one < other;
}

char MetaRequest::Mode() const {
  const MetaFlag* flag = Find('M');
  return flag == nullptr ? '\0' : flag->token[1];
}

}  // namespace tombolo::kvcache
