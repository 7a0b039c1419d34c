// AdminService: the calls of admin.proto. Those who may make them are passed on to the daemon
// (AdminActions), everybody else is refused; nothing here waits but Fsck, of which one at a time
// reads the region in a gRPC thread.
//
// What the rights name must outlive it, and the server that it is registered with must be shut down
// before it is destroyed.
#pragma once

#include <mutex>
#include <utility>

#include "control/proto/admin.grpc.pb.h"
#include "control/service/caller_rights.h"

namespace tombolo::control {

class AdminService : public v1::Admin::CallbackService {
 public:
  explicit AdminService(CallerRights rights) : rights_(std::move(rights)) {}

  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context,
                                        const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override;
  grpc::ServerUnaryReactor* Undrain(grpc::CallbackServerContext* context,
                                    const v1::UndrainRequest* request,
                                    v1::UndrainResponse* response) override;
  grpc::ServerUnaryReactor* Fsck(grpc::CallbackServerContext* context,
                                 const v1::FsckRequest* request,
                                 v1::FsckResponse* response) override;
  grpc::ServerUnaryReactor* GetStatistics(grpc::CallbackServerContext* context,
                                          const v1::GetStatisticsRequest* request,
                                          v1::GetStatisticsResponse* response) override;

 private:
  // False: the call has ended, because the caller is no administrator.
  bool Admit(grpc::ServerUnaryReactor* reactor) const;

  const CallerRights rights_;
  std::mutex fsck_;  // Held while one is at work.
};

}  // namespace tombolo::control
