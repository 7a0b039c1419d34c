#include "control/tls/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

// All certificates of a machine (Debian's ca-certificates.crt has 200 KB) fit.
constexpr size_t kMaxFileBytes = size_t{1} << 20;

struct OpensslDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, OpensslDeleter>;
using Certificate = std::unique_ptr<X509, OpensslDeleter>;
using Key = std::unique_ptr<EVP_PKEY, OpensslDeleter>;

Bio Over(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is asked for a password.
int NoPassword(char*, int, int, void*) { return 0; }

Certificate ParseCertificate(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(Over(pem).get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  return certificate;
}

Key ParseKey(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(Over(pem).get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  return key;
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path) {
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t size = read(fd, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, absl::StrCat("read ", path));
    if (size == 0) return text;
    text.append(part.data(), static_cast<size_t>(size));
    if (text.size() > kMaxFileBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " has more than ", kMaxFileBytes, " bytes; it is no PEM file."));
    }
  }
}

// forbidden: bits of the mode that the file may not have.
absl::StatusOr<std::string> ReadFile(const std::string& path, mode_t forbidden) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.IsOpen()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  struct stat info;
  if (fstat(fd.Get(), &info) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", path));
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is no regular file."));
  }
  if ((info.st_mode & forbidden) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the key ", path, " is not only its owner's: ", "others may use it. Do `chmod o= ", path,
        "`, and better make a new one."));
  }
  return ReadAll(fd.Get(), path);
}

absl::Status CheckTime(X509* certificate, const std::string& path) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the certificate ", path, " has expired: `openssl x509 -dates -noout -in ", path, "`."));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate ", path, " is not good yet, or the clock is wrong."));
  }
  return absl::OkStatus();
}

absl::Status CheckCertificate(X509* certificate, const std::string& path) {
  if (certificate != nullptr) return CheckTime(certificate, path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, " has no certificate in PEM (-----BEGIN CERTIFICATE-----)."));
}

absl::Status CheckKey(X509* certificate, EVP_PKEY* key, const TlsFiles& files) {
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.key, " has no private key in PEM, or one with a password."));
  }
  const bool fits = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the key ", files.key, " is not that of the certificate ", files.certificate, "."));
}

absl::Status Check(const TlsMaterial& material, const TlsFiles& files) {
  const Certificate certificate = ParseCertificate(material.certificate);
  absl::Status status = CheckCertificate(certificate.get(), files.certificate);
  if (!status.ok()) return status;
  status = CheckKey(certificate.get(), ParseKey(material.key).get(), files);
  if (!status.ok()) return status;
  return CheckCertificate(ParseCertificate(material.ca).get(), files.ca);
}

}  // namespace

absl::Status CheckAllAreNamed(const TlsFiles& files) {
  std::vector<std::string> missing;
  if (files.certificate.empty()) missing.emplace_back("--tls-cert");
  if (files.key.empty()) missing.emplace_back("--tls-key");
  if (files.ca.empty()) missing.emplace_back("--tls-ca");
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("TLS is mutual: it needs a certificate, its key, and whose certificates the "
                   "other side may have. Missing: ",
                   absl::StrJoin(missing, ", "), "."));
}

absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files) {
  if (absl::Status named = CheckAllAreNamed(files); !named.ok()) return named;
  absl::StatusOr<std::string> certificate = ReadFile(files.certificate, 0);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(files.key, S_IRWXO);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> ca = ReadFile(files.ca, 0);
  if (!ca.ok()) return ca.status();
  TlsMaterial material{*std::move(certificate), *std::move(key), *std::move(ca)};
  if (absl::Status good = Check(material, files); !good.ok()) return good;
  return material;
}

}  // namespace tombolo::control
