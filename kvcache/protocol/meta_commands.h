// MetaCommands: the meta commands of the text protocol.
//
// A command's flags are gone through one after the other; each tells something of the item or
// changes it, and what comes later tells of the change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kvcache/protocol/meta_replies.h"
#include "kvcache/protocol/meta_request.h"
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
  // An item, while the flags are gone through.
  struct Visit {
    MetaSubject subject;
    bool is_new = false;     // The command made it.
    bool is_won = false;     // The client is told to write it anew.
    std::string flags = {};  // Of the answer.
  };

  void Answer(std::string_view text) { replies_.AppendLine(text); }
  void AnswerEchoes(std::string_view word, const MetaRequest& request, bool is_quiet);
  void AnswerItem(const MetaRequest& request, const Visit& visit);

  bool Find(const MetaRequest& request, Visit& visit);
  bool FindAndChange(const MetaRequest& request, Visit& visit);
  bool GoThrough(const MetaRequest& request, std::string_view told, Visit& visit);
  void Apply(const MetaFlag& flag, Visit& visit);
  void AppendMarks(Visit& visit);
  std::string_view ReadSet(const Tokens& tokens, PendingPut& put);
  void AnswerCount(const MetaRequest& request, const StoreAnswer& answer);

  Server& server_;
  Replies& replies_;
};

}  // namespace tombolo::kvcache
