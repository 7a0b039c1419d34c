#include "control/cli/cluster_question.h"

#include <stdio.h>

#include <string>

#include "control/cli/cluster_text.h"
#include "control/client/control_client.h"
#include "control/words/words.h"

namespace tombolo::control {

absl::StatusOr<ClusterInfo> AskAboutCluster(const CliContext& context) {
  ControlClient client = context.Client();
  absl::StatusOr<ClusterInfo> info = client.GetCluster();
  if (!info.ok()) return info.status();
  const std::string doubt = DoubtAbout(*info);
  if (!doubt.empty()) fprintf(stderr, "warning: %s\n", Printable(doubt).c_str());
  return info;
}

}  // namespace tombolo::control
