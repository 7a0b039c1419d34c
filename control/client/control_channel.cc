#include "control/client/control_channel.h"

#include <grpcpp/grpcpp.h>
#include <sys/socket.h>

#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/tls/tls_files.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

// A full snapshot of the largest region that is sensible (64 Ki endpoints) fits.
constexpr int kMaxAnswerBytes = 16 * 1024 * 1024;
constexpr char kUsualFolder[] = "/run/tombolo";
// Between two attempts to connect.
constexpr int kShortestPauseMs = 10;
constexpr int kLongestPauseMs = 100;

std::string FolderOf(const std::string& socket_path) {
  const std::string folder = std::filesystem::path(socket_path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The packages have a service for the usual folder.
std::string HowToStart(const std::string& folder) {
  const std::string by_hand = absl::StrCat("`tombolod --runtime-dir ", folder, "`");
  if (folder != kUsualFolder) return by_hand;
  return absl::StrCat("`systemctl start tombolod`, or without the package ", by_hand);
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // Where others connect without a pause, the queue of the socket may be full at any one moment.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kShortestPauseMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestPauseMs);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

}  // namespace

ControlChannel::ControlChannel(std::string socket_path, std::chrono::milliseconds timeout)
    : path_(std::move(socket_path)),
      timeout_(timeout),
      channel_(MakeChannel("unix:" + path_, grpc::InsecureChannelCredentials())) {}

ControlChannel::ControlChannel(RemoteDaemon daemon, std::chrono::milliseconds timeout)
    : remote_(std::move(daemon)), timeout_(timeout), channel_(MakeSecureChannel()) {}

std::shared_ptr<grpc::Channel> ControlChannel::MakeSecureChannel() {
  const absl::StatusOr<TlsMaterial> tls = ReadTlsFiles(remote_.tls);
  ready_ = tls.status();
  grpc::SslCredentialsOptions options;
  if (tls.ok()) options = {tls->ca, tls->key, tls->certificate};
  return MakeChannel(remote_.address, grpc::SslCredentials(options));
}

absl::Status ControlChannel::Ask(const Call& call) const {
  if (!ready_.ok()) return ready_;
  grpc::Status status = Attempt(call, false);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && SomebodyListens()) {
    grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
    status = Attempt(call, true);
  }
  return status.ok() ? absl::OkStatus() : Explain(status);
}

absl::Status ControlChannel::Explain(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return ExplainNobody(status.error_message());
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("no answer from ", Place(), " within ", timeout_.count(),
                       " ms: tombolod hangs there, or the socket belongs to another program; in a "
                       "guest, `tombolo-agent --host` may not be running on the host."));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          absl::StrCat("the tombolod at ", Place(), " is older than this program and does not ",
                       "know what it was asked: ", status.error_message()));
    default:
      return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
  }
}

grpc::Status ControlChannel::Attempt(const Call& call, bool wait_for_ready) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
  context.set_wait_for_ready(wait_for_ready);
  return call(context);
}

bool ControlChannel::SomebodyListens() const {
  return !IsRemote() && ConnectUnix(path_, SOCK_STREAM).ok();
}

// Why a call found nobody, as a connection of our own shows it: gRPC's words are for programmers.
absl::Status ControlChannel::ExplainNobody(const std::string& grpc_words) const {
  if (IsRemote()) {
    return absl::UnavailableError(absl::StrCat(
        "no tombolod lets us in at ", remote_.address, ": ", grpc_words,
        ". It is to be started with --listen-tls; its certificate has to be made out for this "
        "address and signed by whom --tls-ca names here, and ours by whom it names there."));
  }
  const absl::Status probe = ConnectUnix(path_, SOCK_STREAM).status();
  if (absl::IsPermissionDenied(probe)) return probe;
  if (probe.ok()) {
    return absl::UnavailableError(
        absl::StrCat("whoever listens at unix:", path_, " does not answer: ", grpc_words));
  }
  return absl::UnavailableError(
      absl::StrCat("no tombolod answers at unix:", path_, ": ", std::string(probe.message()),
                   " Start it with ", HowToStart(FolderOf(path_)),
                   " (in a guest tombolo-agent), or name its folder with --runtime-dir."));
}

}  // namespace tombolo::control
