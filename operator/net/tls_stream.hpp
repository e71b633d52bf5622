#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "operator/net/stream.hpp"

namespace rop::net {

/// TLS, as a client, over what `plain` connects. `name` is what the certificate must be for when
/// the settings of `options.tls` do not say. The files are read before anything is connected.
boost::asio::awaitable<Connected> secured(ports::TimePort* time,
                                          boost::asio::awaitable<Connected> plain,
                                          StreamOptions options, std::string name, Moment until);

}  // namespace rop::net
