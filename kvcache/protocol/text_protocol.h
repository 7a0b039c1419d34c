// TextProtocol: memcached's text protocol, with its meta commands, in the wording of 1.6.18.
// doc/protocol.txt of memcached describes it.
//
//   line -> command -> answer
//        -> command that stores -> value and \r\n -> answer
//        -> the same, refused -> as many bytes are skipped
//        -> watch -> nothing more is run; the client is told what happens (watch_log.h)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kvcache/protocol/dump.h"
#include "kvcache/protocol/meta_commands.h"
#include "kvcache/protocol/multi_get.h"
#include "kvcache/protocol/pending_put.h"
#include "kvcache/protocol/protocol.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/protocol/watch_log.h"

namespace tombolo::kvcache {

inline constexpr size_t kMaxLineBytes = 2048;  // Without its end.
inline constexpr size_t kMaxMultiGetBytes = 1024 * 1024;

class TextProtocol final : public Protocol {
 public:
  TextProtocol(Server& server, Replies& replies);

  size_t Take(std::string_view input) override;
  bool Continue() override { return multi_get_.Continue() && dump_.Continue(); }
  bool IsWatching() const override { return watcher_ != nullptr; }
  bool TakeNews() override;

 private:
  enum class State { kLine, kValue, kSkip, kWatching };
  using Handler = void (TextProtocol::*)(const Tokens&);

  // How many tokens a command has, its name among them.
  struct Command {
    std::string_view name;
    size_t least;
    size_t most;
    Handler run;
  };
  static const Command kCommands[];

  size_t TakeLine(std::string_view input);
  size_t TakeValue(std::string_view input);
  size_t Skip(std::string_view input);
  bool IsTooLong(std::string_view part) const;
  void RunLine(std::string_view line);
  void Answer(std::string_view text);
  void AnswerFailure(size_t mark);
  void ListenForNoreply(const Tokens& tokens) { is_quiet_ = tokens.Last() == "noreply"; }
  void AwaitValue(PendingPut put, uint64_t value_bytes);
  void SkipValue(uint64_t value_bytes);
  void FinishValue();

  void Get(const Tokens& tokens);
  void GetAndTouch(const Tokens& tokens);
  void Set(const Tokens& tokens) { Put(tokens, PutMode::kSet); }
  void Add(const Tokens& tokens) { Put(tokens, PutMode::kAdd); }
  void Replace(const Tokens& tokens) { Put(tokens, PutMode::kReplace); }
  void Append(const Tokens& tokens) { Put(tokens, PutMode::kAppend); }
  void Prepend(const Tokens& tokens) { Put(tokens, PutMode::kPrepend); }
  void Cas(const Tokens& tokens) { Put(tokens, PutMode::kCas); }
  void Put(const Tokens& tokens, PutMode mode);
  std::optional<uint64_t> ReadPut(const Tokens& tokens, PendingPut& put) const;
  void Incr(const Tokens& tokens) { Count(tokens, false); }
  void Decr(const Tokens& tokens) { Count(tokens, true); }
  void Count(const Tokens& tokens, bool is_down);
  void Delete(const Tokens& tokens);
  void Touch(const Tokens& tokens);
  void FlushAll(const Tokens& tokens);
  void Stats(const Tokens& tokens);
  void StatsDetail(const Tokens& tokens);
  void Verbosity(const Tokens& tokens);
  void CacheMemlimit(const Tokens& tokens);
  void Lru(const Tokens& tokens);
  void LruCrawler(const Tokens& tokens);
  void Metadump(const Tokens& tokens);
  void Slabs(const Tokens& tokens);
  void Version(const Tokens& tokens);
  void Quit(const Tokens& tokens);
  void Shutdown(const Tokens& tokens);
  void Watch(const Tokens& tokens);
  void MetaGet(const Tokens& tokens) { meta_.Get(tokens); }
  void MetaSet(const Tokens& tokens);
  void MetaDelete(const Tokens& tokens) { meta_.Delete(tokens); }
  void MetaCount(const Tokens& tokens) { meta_.Count(tokens); }
  void MetaNoop(const Tokens& tokens);
  void MetaDebug(const Tokens& tokens) { meta_.Debug(tokens); }

  Server& server_;
  Replies& replies_;
  MetaCommands meta_;
  MultiGet multi_get_;
  Dump dump_;
  State state_ = State::kLine;
  std::string line_;            // What there is of it.
  std::string_view arguments_;  // Of the line that is run: what follows its first token.
  PendingPut put_;
  uint64_t skip_bytes_ = 0;
  bool is_quiet_ = false;
  bool follows_sent_ = false;  // Memcached would have sent the answer of the last command by now.
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace tombolo::kvcache
