#include "control/http/http_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr size_t kVersionBytes = std::string_view("HTTP/1.1").size();

bool IsTokenChar(char c) {
  const bool is_alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return is_alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenChar);
}

// What may stand in a target: printable, no space.
bool IsTarget(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// What may stand in a field's value. Bytes above ASCII are let pass: nobody reads them.
bool IsValue(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && byte != '\t') || byte == 0x7f;
  });
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the text up to the next `end` off `rest`, and `end` with it. False: there is no `end`.
bool Take(std::string_view& rest, std::string_view end, std::string_view& taken) {
  const size_t at = rest.find(end);
  if (at == std::string_view::npos) return false;
  taken = rest.substr(0, at);
  rest.remove_prefix(at + end.size());
  return true;
}

int ParseRequestLine(std::string_view line, HttpRequest& request) {
  std::string_view method;
  std::string_view target;
  if (!Take(line, " ", method) || !Take(line, " ", target)) return kHttpBadRequest;
  const std::string_view version = line;
  const bool is_http = version.starts_with("HTTP/") && version.size() == kVersionBytes;
  if (!IsToken(method) || !is_http) return kHttpBadRequest;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return kHttpVersionNotSupported;
  if (method != "GET" && method != "HEAD") return kHttpMethodNotAllowed;
  if (!IsTarget(target)) return kHttpBadRequest;
  request.is_head = method == "HEAD";
  request.path = target.substr(0, target.find('?'));
  request.keep_alive = version == "HTTP/1.1";
  return kHttpOk;
}

// Counts the fields Host in `hosts`.
int ParseField(std::string_view line, HttpRequest& request, int& hosts) {
  std::string_view name;
  if (!Take(line, ":", name) || !IsToken(name) || !IsValue(line)) return kHttpBadRequest;
  const std::string_view value = Trimmed(line);
  if (EqualsIgnoringCase(name, "Host")) {
    request.host = value;
    ++hosts;
  } else if (EqualsIgnoringCase(name, "Connection")) {
    if (!EqualsIgnoringCase(value, "keep-alive")) request.keep_alive = false;
  } else if (EqualsIgnoringCase(name, "Transfer-Encoding") ||
             (EqualsIgnoringCase(name, "Content-Length") && value != "0")) {
    return kHttpContentTooLarge;
  }
  return kHttpOk;
}

bool IsAddress(int family, std::string_view text) {
  char bytes[sizeof(in6_addr)];
  return inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

}  // namespace

size_t HeadBytes(std::string_view bytes) {
  const size_t end = bytes.find(kHeadEnd);
  return end == std::string_view::npos ? 0 : end + kHeadEnd.size();
}

int ParseRequest(std::string_view head, HttpRequest& request) {
  std::string_view line;
  if (!Take(head, kLineEnd, line)) return kHttpBadRequest;
  if (const int status = ParseRequestLine(line, request); status != kHttpOk) return status;
  const bool needs_host = request.keep_alive;  // HTTP/1.1.
  int hosts = 0;
  while (Take(head, kLineEnd, line) && !line.empty()) {
    if (const int status = ParseField(line, request, hosts); status != kHttpOk) return status;
  }
  const bool is_host_right = hosts == 1 || (hosts == 0 && !needs_host);
  return is_host_right ? kHttpOk : kHttpBadRequest;
}

bool IsAddressOrLocalhost(std::string_view host) {
  if (host.starts_with('[')) {
    std::string_view address;
    host.remove_prefix(1);
    return Take(host, "]", address) && (host.empty() || host.starts_with(':')) &&
           IsAddress(AF_INET6, address);
  }
  const std::string_view name = host.substr(0, host.find(':'));
  return EqualsIgnoringCase(name, "localhost") || IsAddress(AF_INET, name);
}

}  // namespace tombolo::control
