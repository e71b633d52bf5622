#include "operator/net/resolve.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace rop::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Less than reads are given, so that it is the name that is said to be missing; what proves the
/// lease is given less still, and has no answer then. Lookups wait for each other, and the system's
/// resolver asks a silent server for ten seconds and more.
constexpr std::chrono::seconds lookup_limit{4};

/// Shared with the resolver's handler, which may outlive whoever asked.
struct Lookup {
    explicit Lookup(ports::TimePort& time) : resolver(time.executor()), done(time.make_timer()) {}

    tcp::resolver resolver;
    std::unique_ptr<ports::Timer> done;
    bool is_done = false;
    error_code code;
    std::vector<tcp::endpoint> found;
};

/// Whoever asked is gone, in whatever way: a lookup whose turn has not come is not begun any more,
/// or those given up would queue before the next ones for ever.
class Cancelled {
  public:
    explicit Cancelled(Lookup& lookup) : lookup_(lookup) {}
    Cancelled(const Cancelled&) = delete;
    Cancelled& operator=(const Cancelled&) = delete;
    ~Cancelled() { lookup_.resolver.cancel(); }

  private:
    Lookup& lookup_;
};

}  // namespace

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(ports::TimePort* time, std::string host,
                                                            std::uint16_t port) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(host, not_literal);
    if (!not_literal) {
        std::vector<tcp::endpoint> itself{tcp::endpoint(literal, port)};
        co_return itself;
    }

    const auto lookup = std::make_shared<Lookup>(*time);
    const Cancelled at_the_end(*lookup);
    lookup->resolver.async_resolve(
        host, std::to_string(port),
        [lookup](error_code code, const tcp::resolver::results_type& results) {
            lookup->is_done = true;
            lookup->code = code;
            for (const auto& result : results) {
                lookup->found.push_back(result.endpoint());
            }
            lookup->done->wake();
        });
    const Moment given_up = time->now() + lookup_limit;
    while (!lookup->is_done && time->now() < given_up) {
        co_await lookup->done->wait_until(given_up);
    }
    if (!lookup->is_done) {
        co_return Error{ErrorKind::unavailable, "no address for " + host +
                                                    ": none was told within " +
                                                    std::to_string(lookup_limit.count()) + " s"};
    }
    if (lookup->code) {
        co_return Error{ErrorKind::unavailable,
                        "no address for " + host + ": " + lookup->code.message()};
    }
    co_return std::move(lookup->found);
}

}  // namespace rop::net
