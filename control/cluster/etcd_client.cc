#include "control/cluster/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/cluster/etcd.grpc.pb.h"

namespace tombolo::control {
namespace {

namespace etcd = ::etcdserverpb;

// Values are at most 1.5 MiB, by etcd's own default: a page of so many fits an answer.
constexpr int64_t kItemsPerPage = 8;

// Pings while calls are open; etcd closes connections that ping more often than every 5 s.
constexpr int kPingMs = 10'000;
constexpr int kPingTimeoutMs = 2'000;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& endpoint,
                                           const std::optional<TlsMaterial>& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(EtcdClient::kMaxAnswerBytes));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  // A connection of our own, which ends with this client.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // No proxy of the environment: it would be asked to reach a machine of the same network.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (tls) credentials = grpc::SslCredentials({tls->ca, tls->key, tls->certificate});
  return grpc::CreateCustomChannel(endpoint, credentials, arguments);
}

// The first key that comes after all that begin with `prefix`, which does not end in 0xff.
std::string EndOf(std::string prefix) {
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

EtcdItem ItemFrom(etcd::KeyValue&& message) {
  return {std::move(*message.mutable_key()), std::move(*message.mutable_value()),
          message.create_revision(), message.mod_revision()};
}

std::vector<EtcdChange> ChangesFrom(etcd::WatchResponse& response) {
  std::vector<EtcdChange> changes;
  for (etcd::Event& event : *response.mutable_events()) {
    changes.push_back(
        {event.type() == etcd::Event::DELETE, ItemFrom(std::move(*event.mutable_kv()))});
  }
  return changes;
}

void AddPut(const std::string& key, const std::string& value, int64_t lease,
            etcd::TxnRequest& transaction) {
  etcd::PutRequest& put = *transaction.add_success()->mutable_request_put();
  put.set_key(key);
  put.set_value(value);
  put.set_lease(lease);
}

// `mod_revision` 0: that the key is not there.
void AddCondition(const std::string& key, int64_t mod_revision, etcd::TxnRequest& transaction) {
  etcd::Compare& condition = *transaction.add_compare();
  condition.set_key(key);
  condition.set_result(etcd::Compare::EQUAL);
  condition.set_target(mod_revision == 0 ? etcd::Compare::CREATE : etcd::Compare::MOD);
  if (mod_revision == 0) {
    condition.set_create_revision(0);
  } else {
    condition.set_mod_revision(mod_revision);
  }
}

}  // namespace

class EtcdClient::Impl {
 public:
  Impl(const std::string& endpoint, const std::optional<TlsMaterial>& tls)
      : endpoint_(endpoint),
        channel_(MakeChannel(endpoint, tls)),
        kv_(etcd::KV::NewStub(channel_)),
        watch_(etcd::Watch::NewStub(channel_)),
        lease_(etcd::Lease::NewStub(channel_)) {}

  // A call that Cancel() ends.
  class Call {
   public:
    explicit Call(Impl& impl) : impl_(impl) {
      const std::lock_guard<std::mutex> lock(impl_.mutex_);
      impl_.calls_.insert(&context_);
      if (impl_.is_cancelled_) context_.TryCancel();
    }
    ~Call() {
      const std::lock_guard<std::mutex> lock(impl_.mutex_);
      impl_.calls_.erase(&context_);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    grpc::ClientContext* Context() { return &context_; }
    void SetDeadline() {
      context_.set_deadline(std::chrono::system_clock::now() + EtcdClient::kCallTimeout);
    }

   private:
    Impl& impl_;
    grpc::ClientContext context_;
  };

  template <typename Make>
  absl::Status Ask(Make make) {
    Call call(*this);
    call.SetDeadline();
    return Explain(make(call.Context()));
  }

  absl::Status Explain(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    return {static_cast<absl::StatusCode>(status.error_code()),
            absl::StrCat("etcd at ", endpoint_, ": ", status.error_message())};
  }

  absl::StatusOr<etcd::TxnResponse> Transact(const etcd::TxnRequest& request) {
    etcd::TxnResponse response;
    const absl::Status status =
        Ask([&](grpc::ClientContext* context) { return kv_->Txn(context, request, &response); });
    if (!status.ok()) return status;
    return response;
  }

  void Cancel() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_cancelled_ = true;
    for (grpc::ClientContext* context : calls_) context->TryCancel();
  }

  etcd::KV::Stub& Kv() { return *kv_; }
  etcd::Watch::Stub& Watch() { return *watch_; }
  etcd::Lease::Stub& Lease() { return *lease_; }

 private:
  const std::string endpoint_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<etcd::KV::Stub> kv_;
  const std::unique_ptr<etcd::Watch::Stub> watch_;
  const std::unique_ptr<etcd::Lease::Stub> lease_;
  std::mutex mutex_;  // Guards what follows.
  bool is_cancelled_ = false;
  std::set<grpc::ClientContext*> calls_;
};

EtcdClient::EtcdClient(const std::string& endpoint, const std::optional<TlsMaterial>& tls)
    : impl_(std::make_unique<Impl>(endpoint, tls)) {}

EtcdClient::~EtcdClient() = default;

absl::StatusOr<EtcdLease> EtcdClient::Grant(int64_t ttl_s) {
  etcd::LeaseGrantRequest request;
  request.set_ttl(ttl_s);
  etcd::LeaseGrantResponse response;
  const absl::Status status = impl_->Ask([&](grpc::ClientContext* context) {
    return impl_->Lease().LeaseGrant(context, request, &response);
  });
  if (!status.ok()) return status;
  if (!response.error().empty() || response.id() == 0) {
    return absl::InternalError(absl::StrCat("etcd gives no lease: ", response.error()));
  }
  return EtcdLease{response.id(), response.ttl()};
}

// A stream for each, so that each has its deadline.
absl::Status EtcdClient::KeepAlive(int64_t lease) {
  etcd::LeaseKeepAliveRequest request;
  request.set_id(lease);
  etcd::LeaseKeepAliveResponse response;
  bool is_told = false;
  const absl::Status status = impl_->Ask([&](grpc::ClientContext* context) {
    const auto stream = impl_->Lease().LeaseKeepAlive(context);
    is_told = stream->Write(request) && stream->Read(&response);
    stream->WritesDone();
    for (etcd::LeaseKeepAliveResponse rest; stream->Read(&rest);) {
    }
    return stream->Finish();
  });
  if (!status.ok() && !is_told) return status;
  if (!is_told) return absl::UnavailableError("etcd ends the talk about a lease without a word.");
  return response.ttl() > 0 ? absl::OkStatus()
                            : absl::NotFoundError("etcd has let our lease expire.");
}

absl::Status EtcdClient::Revoke(int64_t lease) {
  etcd::LeaseRevokeRequest request;
  request.set_id(lease);
  etcd::LeaseRevokeResponse response;
  return impl_->Ask([&](grpc::ClientContext* context) {
    return impl_->Lease().LeaseRevoke(context, request, &response);
  });
}

absl::StatusOr<EtcdClient::Claim> EtcdClient::ClaimKey(const std::string& key,
                                                       const std::string& value, int64_t lease,
                                                       int64_t expected_mod_revision) {
  etcd::TxnRequest request;
  AddCondition(key, expected_mod_revision, request);
  AddPut(key, value, lease, request);
  request.add_failure()->mutable_request_range()->set_key(key);
  absl::StatusOr<etcd::TxnResponse> response = impl_->Transact(request);
  if (!response.ok()) return response.status();
  if (response->succeeded()) return Claim{.revision = response->header().revision(), .theirs = {}};
  if (response->responses_size() != 1 || response->responses(0).response_range().kvs_size() != 1) {
    return Claim{};
  }
  return Claim{.revision = 0,
               .theirs = ItemFrom(std::move(
                   *response->mutable_responses(0)->mutable_response_range()->mutable_kvs(0)))};
}

absl::StatusOr<int64_t> EtcdClient::PutGuarded(const std::string& key, const std::string& value,
                                               int64_t lease, const std::string& guard,
                                               int64_t guard_mod_revision) {
  etcd::TxnRequest request;
  AddCondition(guard, guard_mod_revision, request);
  AddPut(key, value, lease, request);
  const absl::StatusOr<etcd::TxnResponse> response = impl_->Transact(request);
  if (!response.ok()) return response.status();
  if (response->succeeded()) return response->header().revision();
  return absl::FailedPreconditionError(
      absl::StrCat("the key ", guard, " of etcd is not ours any more."));
}

absl::StatusOr<EtcdClient::Listing> EtcdClient::List(const std::string& prefix, size_t most_items,
                                                     size_t most_bytes) {
  Listing listing;
  etcd::RangeRequest request;
  request.set_key(prefix);
  request.set_range_end(EndOf(prefix));
  request.set_limit(kItemsPerPage);
  size_t bytes = 0;
  for (bool more = true; more && listing.items.size() < most_items && bytes < most_bytes;) {
    etcd::RangeResponse response;
    const absl::Status status = impl_->Ask([&](grpc::ClientContext* context) {
      return impl_->Kv().Range(context, request, &response);
    });
    if (!status.ok()) return status;
    if (listing.revision == 0) listing.revision = response.header().revision();
    for (etcd::KeyValue& item : *response.mutable_kvs()) {
      bytes += item.value().size();
      listing.items.push_back(ItemFrom(std::move(item)));
    }
    more = response.more() && response.kvs_size() != 0;
    if (!more) break;
    request.set_revision(listing.revision);
    request.set_key(listing.items.back().key + '\0');
  }
  return listing;
}

absl::Status EtcdClient::Watch(
    const std::string& prefix, int64_t revision,
    const std::function<void(const std::vector<EtcdChange>&)>& on_changes) {
  Impl::Call call(*impl_);
  const auto stream = impl_->Watch().Watch(call.Context());
  etcd::WatchRequest request;
  etcd::WatchCreateRequest& create = *request.mutable_create_request();
  create.set_key(prefix);
  create.set_range_end(EndOf(prefix));
  create.set_start_revision(revision + 1);
  create.set_fragment(true);
  stream->Write(request);
  absl::Status ended;
  for (etcd::WatchResponse response; ended.ok() && stream->Read(&response);) {
    if (response.compact_revision() != 0) {
      ended = absl::OutOfRangeError(absl::StrCat("etcd has forgotten revision ", revision, "."));
    } else if (response.canceled()) {
      ended = absl::UnavailableError(
          absl::StrCat("etcd has ended the watch: ", response.cancel_reason()));
    } else {
      on_changes(ChangesFrom(response));
    }
  }
  call.Context()->TryCancel();
  const grpc::Status status = stream->Finish();
  if (!ended.ok()) return ended;
  return status.ok() ? absl::UnavailableError("etcd has ended the watch.") : impl_->Explain(status);
}

void EtcdClient::Cancel() { impl_->Cancel(); }

}  // namespace tombolo::control
