#include "control/client/control_client.h"

#include <grpcpp/grpcpp.h>
#include <sys/socket.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/proto/convert.h"
#include "control/proto/membership.grpc.pb.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

// A full snapshot of the largest region that is sensible (64 Ki endpoints) fits.
constexpr int kMaxAnswerBytes = 16 * 1024 * 1024;

std::string FolderOf(const std::string& socket_path) {
  const std::string folder = std::filesystem::path(socket_path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Why a call found nobody, as a connection of our own shows it: gRPC's words are for programmers.
absl::Status ExplainNobody(const std::string& path, const std::string& grpc_words) {
  const absl::Status probe = ConnectUnix(path, SOCK_STREAM).status();
  if (absl::IsPermissionDenied(probe)) return probe;
  if (probe.ok()) {
    return absl::UnavailableError(
        absl::StrCat("whoever listens at unix:", path, " does not answer: ", grpc_words));
  }
  return absl::UnavailableError(
      absl::StrCat("no tombolod answers at unix:", path, ": ", std::string(probe.message()),
                   " Start it with `tombolod --runtime-dir ", FolderOf(path),
                   "` (in a guest: `tombolo-agent`), or name its folder with --runtime-dir."));
}

}  // namespace

class ControlClient::Impl {
 public:
  Impl(std::string path, std::chrono::milliseconds timeout)
      : path_(std::move(path)),
        timeout_(timeout),
        channel_(MakeChannel()),
        stub_(v1::Membership::NewStub(channel_)) {}

  v1::Membership::Stub& Stub() { return *stub_; }

  // Makes `call(context)`. After a failed attempt gRPC refuses for a second to try again, also when
  // the daemon has come up meanwhile: if somebody listens now, the call is made once more.
  template <typename Call>
  absl::Status Ask(const Call& call) {
    grpc::Status status = Attempt(call, false);
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE && SomebodyListens()) {
      grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
      status = Attempt(call, true);
    }
    return status.ok() ? absl::OkStatus() : Explain(status);
  }

  absl::StatusOr<int32_t> Evict(const v1::EvictRequest& request) {
    v1::EvictResponse response;
    const absl::Status status = Ask(
        [&](grpc::ClientContext& context) { return stub_->Evict(&context, request, &response); });
    if (!status.ok()) return status;
    return response.pid();
  }

  absl::Status Explain(const grpc::Status& status) const {
    switch (status.error_code()) {
      case grpc::StatusCode::UNAVAILABLE:
        return ExplainNobody(path_, status.error_message());
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        return absl::DeadlineExceededError(
            absl::StrCat("no answer from unix:", path_, " within ", timeout_.count(),
                         " ms: tombolod hangs there, or the socket belongs to another program."));
      default:
        return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
    }
  }

 private:
  template <typename Call>
  grpc::Status Attempt(const Call& call, bool wait_for_ready) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    context.set_wait_for_ready(wait_for_ready);
    return call(context);
  }

  bool SomebodyListens() const { return ConnectUnix(path_, SOCK_STREAM).ok(); }

  std::shared_ptr<grpc::Channel> MakeChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
    return grpc::CreateCustomChannel("unix:" + path_, grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  const std::string path_;
  const std::chrono::milliseconds timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Membership::Stub> stub_;
};

ControlClient::ControlClient(std::string socket_path, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(socket_path), timeout)) {}

ControlClient::~ControlClient() = default;

absl::StatusOr<PeerList> ControlClient::ListPeers() {
  v1::ListPeersResponse response;
  const absl::Status status = impl_->Ask([&](grpc::ClientContext& context) {
    return impl_->Stub().ListPeers(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return PeerList{FromListResponse(response), response.region_uuid()};
}

absl::StatusOr<RegionInfo> ControlClient::GetRegion() {
  v1::GetRegionResponse response;
  const absl::Status status = impl_->Ask([&](grpc::ClientContext& context) {
    return impl_->Stub().GetRegion(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return FromRegion(response.region());
}

absl::StatusOr<PeerList> ControlClient::DescribePeer(uint32_t slot) {
  v1::DescribePeerRequest request;
  request.set_slot(slot);
  v1::DescribePeerResponse response;
  const absl::Status status = impl_->Ask([&](grpc::ClientContext& context) {
    return impl_->Stub().DescribePeer(&context, request, &response);
  });
  if (!status.ok()) return status;
  return PeerList{{response.revision(), {FromPeer(response.peer())}}, response.region_uuid()};
}

absl::StatusOr<int32_t> ControlClient::EvictPeer(uint32_t slot, uint32_t incarnation) {
  v1::EvictRequest request;
  request.mutable_peer()->set_slot(slot);
  request.mutable_peer()->set_incarnation(incarnation);
  return impl_->Evict(request);
}

absl::StatusOr<int32_t> ControlClient::EvictEndpoint(EndpointId id) {
  v1::EvictRequest request;
  request.mutable_endpoint()->set_index(id.index);
  request.mutable_endpoint()->set_incarnation(id.incarnation);
  return impl_->Evict(request);
}

absl::Status ControlClient::WatchPeers(uint64_t resume_after_revision,
                                       const std::string& region_uuid,
                                       const std::function<bool(const WatchUpdate&)>& on_update) {
  v1::WatchPeersRequest request;
  request.set_resume_after_revision(resume_after_revision);
  request.set_region_uuid(region_uuid);
  grpc::ClientContext context;
  const auto reader = impl_->Stub().WatchPeers(&context, request);
  v1::WatchPeersResponse response;
  while (reader->Read(&response)) {
    bool go_on = true;
    if (std::optional<MembershipSnapshot> snapshot = SnapshotFrom(response)) {
      go_on = on_update(PeerList{*std::move(snapshot), response.snapshot().region_uuid()});
    } else if (std::optional<MembershipEvent> event = EventFrom(response)) {
      go_on = on_update(*std::move(event));
    }
    if (!go_on) {
      context.TryCancel();
      return absl::OkStatus();
    }
  }
  return impl_->Explain(reader->Finish());
}

}  // namespace tombolo::control
