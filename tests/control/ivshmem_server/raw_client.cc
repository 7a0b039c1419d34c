#include "tests/control/ivshmem_server/raw_client.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {

RawClient::RawClient(const std::string& path) {
  absl::StatusOr<UniqueFd> socket = ConnectUnix(path, SOCK_STREAM);
  EXPECT_TRUE(socket.ok()) << socket.status();
  if (!socket.ok()) return;
  socket_ = *std::move(socket);
  fcntl(socket_.Get(), F_SETFL, O_NONBLOCK);
}

void RawClient::Read() {
  while (!saw_end_) {
    uint64_t wire = 0;
    absl::StatusOr<ReceivedMessage> received =
        ReceiveMessage(socket_.Get(), std::as_writable_bytes(std::span(&wire, 1)));
    if (absl::IsUnavailable(received.status())) return;
    ASSERT_TRUE(received.ok()) << received.status();
    saw_end_ = received->size_bytes == 0;
    if (saw_end_) return;
    ASSERT_EQ(received->size_bytes, sizeof(wire)) << "a message was torn";
    ASSERT_LE(received->fds.size(), 1u) << "QEMU takes one descriptor per message";
    messages_.push_back({.value = static_cast<int64_t>(le64toh(wire)),
                         .fd = received->fds.empty() ? UniqueFd() : std::move(received->fds[0])});
  }
}

void RawClient::SendByte() { EXPECT_EQ(send(socket_.Get(), "x", 1, MSG_NOSIGNAL), 1); }

}  // namespace tombolo::control
