// Apart from the rest of tls.hpp: reading answers needs no OpenSSL, and neither does feeding that
// with damaged ones.
#include "operator/net/tls.hpp"

namespace rop::net {

bool looks_like_tls(std::string_view first_bytes) {
    // An alert record of SSL 3.0 to TLS 1.3.
    return first_bytes.size() >= 3 && first_bytes[0] == '\x15' && first_bytes[1] == '\x03' &&
           first_bytes[2] >= 0 && first_bytes[2] <= '\x04';
}

}  // namespace rop::net
