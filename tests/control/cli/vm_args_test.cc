#include "control/cli/vm_args.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::control {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSocket[] = "/run/tombolo/slot-3.sock";

TEST(VmArgsTest, QemuLineIsWhatStockQemuTakes) {
  EXPECT_EQ(ShellLine(QemuWords({kSocket, 16})),
            "-M q35,kernel-irqchip=split -device intel-iommu,intremap=on "
            "-chardev socket,path=/run/tombolo/slot-3.sock,id=tombolo "
            "-device ivshmem-doorbell,chardev=tombolo,vectors=16");
}

TEST(VmArgsTest, NoOptionAsksForReconnect) {
  EXPECT_THAT(QemuWords({kSocket, 16}), Each(Not(HasSubstr("reconnect"))));
}

TEST(VmArgsTest, OddPathsAreEscapedForQemuShellAndXml) {
  const VmDevice device{"/tmp/a,b & it's/x.sock", 4};
  EXPECT_THAT(ShellLine(QemuWords(device)),
              HasSubstr("'socket,path=/tmp/a,,b & it'\\''s/x.sock,id=tombolo'"));
  EXPECT_THAT(LibvirtXml(device), HasSubstr("path='/tmp/a,b &amp; it&apos;s/x.sock'"));
}

TEST(VmArgsTest, LibvirtXmlIsTheElementOfTheDoorbellDeviceAlone) {
  EXPECT_EQ(LibvirtXml({kSocket, 8}),
            "<shmem name='tombolo'>\n"
            "  <model type='ivshmem-doorbell'/>\n"
            "  <server path='/run/tombolo/slot-3.sock'/>\n"
            "  <msi vectors='8' ioeventfd='on'/>\n"
            "</shmem>\n");
  EXPECT_THAT(LibvirtRemarks({kSocket, 8}, 16), Contains(HasSubstr("<driver intremap='on'/>")));
}

TEST(VmArgsTest, DescriptorLimitIsMentionedOnlyWhenItIsNear) {
  for (const auto remarks : {QemuRemarks, LibvirtRemarks}) {
    EXPECT_EQ(remarks({kSocket, 16}, 16).size() + 1, remarks({kSocket, 64}, 16).size());
    EXPECT_THAT(remarks({kSocket, 64}, 16).back(), HasSubstr("1024 eventfds"));
  }
}

}  // namespace
}  // namespace tombolo::control
