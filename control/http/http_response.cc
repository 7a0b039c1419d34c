#include "control/http/http_response.h"

#include <time.h>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr char kForBrowsers[] =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n";

const char* Reason(int status) {
  switch (status) {
    case kHttpOk:
      return "OK";
    case kHttpBadRequest:
      return "Bad Request";
    case kHttpNotFound:
      return "Not Found";
    case kHttpMethodNotAllowed:
      return "Method Not Allowed";
    case kHttpContentTooLarge:
      return "Content Too Large";
    case kHttpMisdirected:
      return "Misdirected Request";
    case kHttpHeadTooLarge:
      return "Request Header Fields Too Large";
    case kHttpUnavailable:
      return "Service Unavailable";
    case kHttpVersionNotSupported:
      return "HTTP Version Not Supported";
  }
  return "Unknown";
}

// As RFC 9110 wants it: "Sun, 06 Nov 1994 08:49:37 GMT". The program runs in the locale C.
std::string HttpDate(time_t now) {
  tm parts;
  char text[64];
  if (gmtime_r(&now, &parts) == nullptr) return "";
  return std::string(text, strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

}  // namespace

HttpResponse HttpError(int status, const std::string& what) {
  return {.status = status, .body = absl::StrCat(status, " ", Reason(status), ": ", what, "\n")};
}

std::string FormatResponse(const HttpResponse& response, const HttpFraming& framing) {
  std::string text = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", Reason(response.status),
      "\r\nDate: ", HttpDate(framing.now), "\r\nContent-Type: ", response.content_type,
      "\r\nContent-Length: ", response.body.size(),
      "\r\nConnection: ", framing.keep_alive ? "keep-alive" : "close", "\r\n", kForBrowsers);
  if (response.status == kHttpMethodNotAllowed) text += "Allow: GET, HEAD\r\n";
  text += "\r\n";
  if (!framing.is_head) text += response.body;
  return text;
}

}  // namespace tombolo::control
