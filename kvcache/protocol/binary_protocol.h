// BinaryProtocol: memcached's binary protocol, as 1.6.18 speaks it (docs/protocol_binary.xml
// there).
//
//   header -> extras and key -> command -> answer
//                            -> command that stores -> value -> answer
//                            -> error -> as many bytes are skipped, or the end
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kvcache/protocol/binary_header.h"
#include "kvcache/protocol/pending_put.h"
#include "kvcache/protocol/protocol.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

class BinaryProtocol final : public Protocol {
 public:
  BinaryProtocol(Server& server, Replies& replies) : server_(server), replies_(replies) {}

  size_t Take(std::string_view input) override;

 private:
  enum class State { kHeader, kArguments, kValue, kSkip };
  using Handler = void (BinaryProtocol::*)();

  // What a request may consist of.
  enum class Shape {
    kNothing,        // No body.
    kKey,            // A key and nothing else.
    kKeyAndMore,     // A key, and perhaps a value.
    kExtrasKeyOnly,  // Extras and a key, nothing else.
    kPerhapsExtras,  // Extras or no body.
    kAnyKey,         // No extras.
  };

  struct Command {
    uint8_t opcode;
    uint8_t quiet_opcode;  // The same as `opcode` when there is none.
    Shape shape;
    uint8_t extras_bytes;
    Handler run;
  };
  static const Command kCommands[];

  size_t TakeHeader(std::string_view input);
  size_t TakeArguments(std::string_view input);
  size_t TakeValue(std::string_view input);
  size_t Skip(std::string_view input);
  void CheckHeader();
  void Run();
  bool HasShape(const Command& command) const;
  std::string_view Key() const;
  uint64_t Extra(size_t offset, size_t bytes) const;
  uint64_t ValueBytes() const;

  // Answers unless the command is quiet.
  void AnswerDone(std::string_view value = {}, uint64_t cas = 0);
  void Answer(BinaryHeader header, std::string_view extras, std::string_view key,
              std::string_view value);
  void AnswerError(BinaryStatus status);
  void AnswerFailure(size_t mark);
  void Refuse(BinaryStatus status, uint64_t skip_bytes);
  void Break(BinaryStatus status);

  void Get() { Fetch(false, true); }
  void GetWithKey() { Fetch(true, true); }
  void Touch() { Fetch(false, false); }
  void Fetch(bool with_key, bool with_value);
  bool FetchAndTouch(bool with_value, StoredValue& item);
  void AnswerMiss(bool with_key);
  void Set() { Put(PutMode::kSet); }
  void Add() { Put(PutMode::kAdd); }
  void Replace() { Put(PutMode::kReplace); }
  void Append() { Put(PutMode::kAppend); }
  void Prepend() { Put(PutMode::kPrepend); }
  void Put(PutMode mode);
  void FinishPut();
  void Incr() { Count(false); }
  void Decr() { Count(true); }
  void Count(bool is_down);
  void Delete();
  void Flush();
  void Noop() { AnswerDone(); }
  void Version() { AnswerDone(server_.facts.version); }
  void Quit();
  void RefuseSasl() { Refuse(BinaryStatus::kUnknownCommand, ValueBytes()); }
  void Stat();
  void StatDetail(std::string_view what);
  void AnswerStatistic(std::string_view name, std::string_view value);

  Server& server_;
  Replies& replies_;
  State state_ = State::kHeader;
  std::string bytes_;  // Of the header, or of extras and key, what there is.
  BinaryHeader header_;
  PendingPut put_;
  uint64_t skip_bytes_ = 0;
  bool is_quiet_ = false;
};

}  // namespace tombolo::kvcache
