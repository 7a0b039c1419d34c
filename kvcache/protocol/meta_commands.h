// MetaCommands: the meta commands of the text protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kvcache/protocol/meta_flags.h"
#include "kvcache/protocol/pending_put.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {

class MetaCommands {
 public:
  MetaCommands(Server& server, Replies& replies) : server_(server), replies_(replies) {}

  void Get(const Tokens& tokens);
  void Delete(const Tokens& tokens);
  void Count(const Tokens& tokens);
  void Debug(const Tokens& tokens);

  // ms: false when it was answered with an error; then the value, if its size is known, is to be
  // skipped. FinishSet() answers when it was stored or not.
  bool BeginSet(const Tokens& tokens, PendingPut& put, std::optional<uint64_t>& value_bytes);
  void FinishSet(const PendingPut& put, const StoreAnswer& answer);

 private:
  // An item while the flags of a command are answered one after the other.
  struct Answering {
    StoredValue item;
    bool is_created = false;
    bool has_won = false;
    std::string text;
  };

  void Answer(std::string_view text) { replies_.AppendLine(text); }
  bool Check(const Tokens& tokens, const char* too_many);
  bool FindOrVivify(const Tokens& tokens, const MetaFlags& flags, Answering& answering);
  void AnswerMiss(const Tokens& tokens, const MetaFlags& flags, std::string text);
  const char* AnswerFlag(std::string_view token, const MetaFlags& flags, Answering& answering);
  void AnswerMarks(Answering& answering);
  void AmendItem(const MetaFlags& flags, bool is_good, const Answering& answering);
  void CountGet(const MetaFlags& flags, bool is_hit);
  const char* ReadSet(const Tokens& tokens, PendingPut& put);
  StoreAnswer CountOrVivify(const Tokens& tokens, const MetaFlags& flags, bool is_down,
                            Answering& answering);
  void AnswerCount(const Tokens& tokens, const MetaFlags& flags, Answering& answering);

  Server& server_;
  Replies& replies_;
};

}  // namespace tombolo::kvcache
