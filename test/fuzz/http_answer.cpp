// An HTTP answer, as bytes from the wire: cut anywhere it means the same, and neither its head nor
// its body, nor the chunks it comes in, grow beyond their limits.

#include <string>

#include "operator/net/http_codec.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;
using State = rop::net::ResponseReader::State;

constexpr rop::net::HttpLimits limits{.header_bytes = 512, .body_bytes = 256};

struct Read {
    bool failed = false;
    bool complete = false;
    bool reusable = false;
    rop::net::HttpResponse response;
};

Read read(std::string_view bytes, std::size_t piece) {
    rop::net::ResponseReader reader(limits);
    Read read;
    State state = State::incomplete;
    while (!bytes.empty() && state == State::incomplete) {
        const auto next = reader.put(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        if (next.has_error()) {
            require(next.error().kind == rop::ErrorKind::malformed, "a bad answer is malformed");
            read.failed = true;
            return read;
        }
        state = next.value();
    }
    if (state == State::incomplete) {
        state = reader.put_end();
    }
    read.complete = state == State::complete;
    if (read.complete) {
        read.reusable = reader.may_reuse() && bytes.empty();
        read.response = reader.take();
    }
    return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 2 * 1024});
    rop::fuzz::Input input(bytes, size);
    const std::size_t piece = 1 + input.take_byte() % 16;
    const Read whole = read(input.text(), input.text().size());
    const Read cut = read(input.text(), piece);
    if (whole.failed || cut.failed) {  // How much of it may be too much depends on how it came.
        return 0;
    }
    require(whole.complete == cut.complete, "cutting it does not end it");
    require(whole.response.status == cut.response.status, "nor change its status");
    require(whole.response.body == cut.response.body, "nor its body");
    require(whole.reusable == cut.reusable, "nor what becomes of the connection");
    require(whole.response.body.size() <= limits.body_bytes, "the body is bounded");
    for (const auto& header : whole.response.headers) {
        require(header.value.find_first_of("\r\n") == std::string::npos, "a header is one line");
        require(header.name.size() + header.value.size() <= limits.header_bytes, "and bounded");
    }
    return 0;
}
