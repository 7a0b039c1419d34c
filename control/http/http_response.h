// HttpResponse: what is answered, and how it is written.
#pragma once

#include <time.h>

#include <string>

#include "control/http/http_request.h"

namespace tombolo::control {

struct HttpResponse {
  int status = kHttpOk;
  const char* content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

// A page of one line for errors; `what` says what to do instead.
HttpResponse HttpError(int status, const std::string& what);

// How a response goes over the connection.
struct HttpFraming {
  bool is_head = false;     // Without the body, whose length is told nevertheless.
  bool keep_alive = false;  // The connection stays.
  time_t now = 0;           // For the field Date.
};

// Head and body. Every response forbids browsers to load anything from elsewhere, to run what is
// not a file of its own, to be shown within another page, and to keep it.
std::string FormatResponse(const HttpResponse& response, const HttpFraming& framing);

}  // namespace tombolo::control
