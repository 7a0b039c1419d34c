#include "control/cli/copy_connection.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "control/copy/frames.h"
#include "control/words/words.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-cp";

}  // namespace

absl::StatusOr<std::unique_ptr<ServiceSocket>> ConnectForCopy(const CliContext& context,
                                                              uint16_t slot) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<EndpointId> agent = FindAgent(**endpoint, slot);
  if (!agent.ok()) return agent.status();
  return ServiceSocket::Connect(*std::move(endpoint), *agent, kCopyService);
}

absl::Status ExplainCopy(uint16_t slot, const absl::Status& status, const absl::Status& ended) {
  if (absl::IsPermissionDenied(ended)) {
    return absl::AbortedError(
        absl::StrCat("slot ", slot,
                     " lets nobody copy: start its tombolo-agent with "
                     "--allow-copy DIR:rw (on the host, which is slot 0, with --host too)."));
  }
  const absl::Status& why = absl::IsUnavailable(status) && !ended.ok() ? ended : status;
  std::string text = Printable(std::string(why.message()));
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    absl::StrAppend(&text, ". The same command goes on where this one stopped");
  }
  return absl::AbortedError(absl::StrCat(text, "."));
}

}  // namespace tombolo::control
