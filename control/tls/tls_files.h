// TlsFiles: the three files of who speaks TLS with us on either side: its certificate, the key of
// that, and whom it believes. Read and checked at once, because gRPC tells of bad ones late and in
// words for programmers.
//
// Both sides have all three: a server without them does not start, and a client without them is
// refused (mutual TLS).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

// Paths of files in PEM.
struct TlsFiles {
  std::string certificate;  // With the certificates between it and the root, if there are any.
  std::string key;          // Without a password.
  std::string ca;           // Of those whose signature makes the other side's certificate good.
};

// What is in them.
struct TlsMaterial {
  std::string certificate;
  std::string key;
  std::string ca;
};

// InvalidArgument names the flags that are missing.
absl::Status CheckAllAreNamed(const TlsFiles& files);

// InvalidArgument for what is missing, is not PEM, has expired or begins later, for a key that is
// not the certificate's or that others may read; else what the system says of a file.
absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files);

}  // namespace tombolo::control
