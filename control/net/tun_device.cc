#include "control/net/tun_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

constexpr char kTunPath[] = "/dev/net/tun";
constexpr uint32_t kLeastIpv6MtuBytes = 1280;  // RFC 8200, section 5.

absl::Status CannotOpen(int error) {
  absl::Status status = ErrnoStatus(error, absl::StrCat("open ", kTunPath));
  if (error != ENOENT && error != ENODEV && error != ENXIO) return status;
  return absl::NotFoundError(
      absl::StrCat(status.message(), ". Load the module (modprobe tun); in a container: --device ",
                   kTunPath, "."));
}

absl::Status CannotMake(int error, const std::string& interface) {
  if (error == EBUSY) {
    return absl::AlreadyExistsError(absl::StrCat("there is an interface ", interface,
                                                 " already; choose another name (--interface)."));
  }
  absl::Status status = ErrnoStatus(error, absl::StrCat("make the interface ", interface));
  if (error != EPERM) return status;
  return absl::PermissionDeniedError(
      absl::StrCat(status.message(), ". Be root, or have CAP_NET_ADMIN."));
}

ifreq RequestFor(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

void SetAddress(sockaddr& place, uint32_t address) {
  sockaddr_in value{};
  value.sin_family = AF_INET;
  value.sin_addr.s_addr = htonl(address);
  memcpy(&place, &value, sizeof(value));
}

// What the kernel takes for SIOCSIFADDR of IPv6; <linux/ipv6.h> does not go with <arpa/inet.h>.
struct Ipv6Request {
  in6_addr address;
  uint32_t prefix_bits;
  int interface_index;
};

// The member's address of IPv6, and by it the route to the others. False, which is no error: in a
// kernel without IPv6, where it is switched off, and below its least MTU.
bool AddIpv6(const TunOptions& options) {
  if (options.mtu_bytes < kLeastIpv6MtuBytes) return false;
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq index = RequestFor(options.interface);
  if (!socket.IsOpen() || ioctl(socket.Get(), SIOCGIFINDEX, &index) != 0) return false;
  Ipv6Request request{.address = {},
                      .prefix_bits = kIpv6PrefixBits + options.subnet.prefix_bits,
                      .interface_index = index.ifr_ifindex};
  const uint32_t member = htonl(options.address);
  memcpy(&request.address, kIpv6Prefix.data(), kIpv6Prefix.size());
  memcpy(request.address.s6_addr + kIpv6Prefix.size(), &member, sizeof(member));
  return ioctl(socket.Get(), SIOCSIFADDR, &request) == 0;
}

// Address, mask, MTU, and up: the kernel adds the route to the subnet by itself.
absl::Status Configure(const TunOptions& options) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen()) return ErrnoStatus(errno, "make a socket");
  const auto set = [&](unsigned long what, ifreq request, const char* words) {
    if (ioctl(socket.Get(), what, &request) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("set the ", words, " of ", options.interface));
  };
  ifreq mtu = RequestFor(options.interface);
  mtu.ifr_mtu = static_cast<int>(options.mtu_bytes);
  ifreq address = RequestFor(options.interface);
  SetAddress(address.ifr_addr, options.address);
  ifreq mask = RequestFor(options.interface);
  SetAddress(mask.ifr_netmask, options.subnet.Mask());
  ifreq flags = RequestFor(options.interface);
  flags.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP | IFF_POINTOPOINT;
  absl::Status status = set(SIOCSIFMTU, mtu, "MTU");
  if (status.ok()) status = set(SIOCSIFADDR, address, "address");
  if (status.ok()) status = set(SIOCSIFNETMASK, mask, "network mask");
  if (status.ok()) status = set(SIOCSIFFLAGS, flags, "flags");
  return status;
}

}  // namespace

absl::StatusOr<TunDevice> TunDevice::Create(const TunOptions& options) {
  if (options.interface.empty() || options.interface.size() >= IFNAMSIZ) {
    return absl::InvalidArgumentError(absl::StrCat("'", options.interface,
                                                   "' is no name of an interface; expected 1 to ",
                                                   IFNAMSIZ - 1, " characters."));
  }
  UniqueFd fd(open(kTunPath, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.IsOpen()) return CannotOpen(errno);
  ifreq request = RequestFor(options.interface);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd.Get(), TUNSETIFF, &request) != 0) return CannotMake(errno, options.interface);
  // The kernel need not fill in checksums; the header of ten bytes is what it begins with.
  if (ioctl(fd.Get(), TUNSETOFFLOAD, TUN_F_CSUM) != 0) {
    return ErrnoStatus(errno, absl::StrCat("leave checksums open at ", options.interface));
  }
  if (absl::Status status = Configure(options); !status.ok()) return status;
  TunDevice device(std::move(fd));
  device.has_ipv6_ = AddIpv6(options);
  return device;
}

size_t TunDevice::Read(std::span<std::byte> room) {
  const ssize_t bytes = read(fd_.Get(), room.data(), room.size());
  if (bytes >= 0) return static_cast<size_t>(bytes);
  is_gone_ = errno != EAGAIN && errno != EINTR;
  return 0;
}

bool TunDevice::Write(std::span<const std::byte> head, std::span<const std::byte> rest) {
  // writev() only reads what the parts say.
  const iovec parts[] = {{const_cast<std::byte*>(head.data()), head.size()},
                         {const_cast<std::byte*>(rest.data()), rest.size()}};
  return writev(fd_.Get(), parts, rest.empty() ? 1 : 2) ==
         static_cast<ssize_t>(head.size() + rest.size());
}

}  // namespace tombolo::control
