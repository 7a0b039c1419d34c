#include "control/service/admin_service.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/admin_values.h"
#include "control/proto/convert_admin.h"
#include "control/service/admin_actions.h"
#include "control/service/grpc_status.h"

namespace tombolo::control {

bool AdminService::Admit(grpc::ServerUnaryReactor* reactor) const {
  const absl::Status allowed = rights_.Check();
  if (!allowed.ok()) reactor->Finish(ToGrpc(allowed));
  return allowed.ok();
}

grpc::ServerUnaryReactor* AdminService::SetLogLevel(grpc::CallbackServerContext* context,
                                                    const v1::SetLogLevelRequest* request,
                                                    v1::SetLogLevelResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!Admit(reactor)) return reactor;
  const AdminActions::LogLevels levels =
      rights_.Actions().SetLogLevel(FromLogLevel(request->level()));
  response->set_level(ToLogLevel(levels.now));
  response->set_former_level(ToLogLevel(levels.before));
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Drain(grpc::CallbackServerContext* context,
                                              const v1::DrainRequest*,
                                              v1::DrainResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!Admit(reactor)) return reactor;
  rights_.Actions().SetDraining(true,
                                [reactor, response](const absl::StatusOr<Remaining>& remaining) {
                                  if (remaining.ok())
                                    *response->mutable_remaining() = ToRemaining(*remaining);
                                  reactor->Finish(ToGrpc(remaining.status()));
                                });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Undrain(grpc::CallbackServerContext* context,
                                                const v1::UndrainRequest*, v1::UndrainResponse*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!Admit(reactor)) return reactor;
  rights_.Actions().SetDraining(false, [reactor](const absl::StatusOr<Remaining>& remaining) {
    reactor->Finish(ToGrpc(remaining.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Fsck(grpc::CallbackServerContext* context,
                                             const v1::FsckRequest*, v1::FsckResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!Admit(reactor)) return reactor;
  const std::unique_lock<std::mutex> alone(fsck_, std::try_to_lock);
  if (alone.owns_lock()) {
    *response = ToFsckResponse(rights_.Actions().Fsck());
    reactor->Finish(grpc::Status::OK);
  } else {
    reactor->Finish({grpc::StatusCode::RESOURCE_EXHAUSTED,
                     "another fsck is at work; ask again when it is done."});
  }
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetStatistics(grpc::CallbackServerContext* context,
                                                      const v1::GetStatisticsRequest*,
                                                      v1::GetStatisticsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!Admit(reactor)) return reactor;
  rights_.Actions().ReadStatistics(
      [reactor, response](const absl::StatusOr<DaemonStatistics>& statistics) {
        if (statistics.ok()) *response = ToStatisticsResponse(*statistics);
        reactor->Finish(ToGrpc(statistics.status()));
      });
  return reactor;
}

}  // namespace tombolo::control
