// HttpRequest: the head of a request of HTTP/1.1 (RFC 9112), as much of it as a server needs that
// only ever answers GET and HEAD. Pure functions on bytes of a stranger.
//
// Strict where the standard lets a server choose: lines end in CRLF, no line is folded, nothing
// stands before the request line, the target is a path, and no request has a body. Whatever is not
// a request in this sense is answered with an error and the end of the connection, so that no two
// programs can read the same bytes differently.
#pragma once

#include <cstddef>
#include <string_view>

namespace tombolo::control {

struct HttpRequest {
  bool is_head = false;     // Else GET.
  std::string_view path;    // As sent, with the slash, without what follows a '?'.
  std::string_view host;    // The field Host; empty if there is none.
  bool keep_alive = false;  // The client may ask again on this connection.
};

inline constexpr int kHttpOk = 200;
inline constexpr int kHttpBadRequest = 400;
inline constexpr int kHttpNotFound = 404;
inline constexpr int kHttpMethodNotAllowed = 405;
inline constexpr int kHttpContentTooLarge = 413;
inline constexpr int kHttpMisdirected = 421;
inline constexpr int kHttpHeadTooLarge = 431;
inline constexpr int kHttpUnavailable = 503;
inline constexpr int kHttpVersionNotSupported = 505;

// How many of `bytes` are the first request's head, up to and with its empty line; 0: there is
// more to come.
size_t HeadBytes(std::string_view bytes);

// Reads one head, as long as HeadBytes() says. kHttpOk, or the status to answer with; `request` is
// to be used in the first case only, and refers to `head`.
int ParseRequest(std::string_view head, HttpRequest& request);

// Whether a Host, with or without a port, is written as an IP address or as localhost. A page of
// somebody else that a browser was led to believe is here (DNS rebinding) has a name of its own.
bool IsAddressOrLocalhost(std::string_view host);

}  // namespace tombolo::control
