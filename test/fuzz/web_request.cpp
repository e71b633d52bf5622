// A request to our own HTTP, as bytes from the wire, up to the page that answers it: nothing but
// GET and HEAD, and whatever was asked for stands in no header.

#include <array>
#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "operator/web/pages.hpp"
#include "test/fuzz/target.hpp"

namespace {

namespace http = boost::beast::http;
using rop::fuzz::require;

/// As operator/web/server.cpp reads it.
bool read(std::string_view bytes, rop::web::Request& request) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(8 * 1024);
    boost::system::error_code code;
    parser.put(boost::asio::buffer(bytes), code);
    if (code || !parser.is_header_done()) {
        return false;
    }
    request.method = parser.get().method_string();
    request.target = parser.get().target();
    return true;
}

rop::web::Source source() {
    rop::web::View view;
    view.standing.leader = "a\r\nb";
    view.not_ready = "keys: \"\r\n\x7f";
    auto status = std::make_shared<rop::ClusterStatus>();
    status->name = rop::ClusterName{"cache"};
    view.clusters[status->name] = {status, nullptr};
    return {[view] { return view; }, [] { return std::string("metric 1\n"); }};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const rop::web::Source pages = source();
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 1024});
    const rop::fuzz::Input input(bytes, size);
    rop::web::Request request;
    if (!read(input.text(), request)) {
        return 0;
    }
    const auto response = rop::web::answer(request, pages);
    constexpr std::array<unsigned, 5> known{200, 404, 405, 503, 401};
    require(std::ranges::find(known, response.status) != known.end(), "a known status");
    const bool reads = request.method == "GET" || request.method == "HEAD";
    require(reads || response.status == 405, "read-only");
    require(response.body.size() < 4'096 + 6 * size, "an answer is no echo");
    for (const auto& [name, value] : response.headers) {
        require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                "a header is one line");
    }
    return 0;
}
