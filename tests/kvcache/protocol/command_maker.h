// CommandMaker: random commands of memcached's protocols, most of them good, the same ones for the
// same seed. What depends on the time of day is not among them, nor what stock memcached answers in
// one way or another as its input happens to be split.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tombolo::kvcache {

enum class Language { kText, kMeta, kBinary };

class CommandMaker {
 public:
  // The next stores give CAS numbers from `next_cas` on.
  CommandMaker(uint64_t seed, Language language, uint64_t next_cas)
      : random_(seed), language_(language), next_cas_(next_cas) {}

  // All that one connection sends: `commands` of them, and what brings it to an end whatever they
  // were.
  std::string Script(int commands);

 private:
  std::string Command();
  std::string Text();
  std::string Storing();
  std::string Fetching();
  std::string Counting();
  std::string Tuning();
  std::string Other();
  std::string Meta();
  std::string MetaSet();
  std::string Winning(const std::string& key);
  std::string Flags(const std::string& letters);
  std::string Flag(char letter);
  std::string Binary();
  std::string BinaryStore(uint8_t opcode);
  std::string Packet(uint8_t opcode, const std::string& extras, const std::string& key,
                     const std::string& value, uint64_t cas);
  std::string Broken(std::string command);
  std::string Ending();

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool OneIn(uint32_t chances) { return Below(chances) == 0; }
  std::string Pick(const std::vector<std::string>& from) {
    return from[Below(static_cast<uint32_t>(from.size()))];
  }
  std::string Key();
  std::string Value();
  std::string Exptime();
  std::string Number();
  uint64_t SomeCas();

  std::mt19937_64 random_;
  Language language_;
  uint64_t next_cas_;
};

}  // namespace tombolo::kvcache
