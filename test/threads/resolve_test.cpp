// The only place where a second thread exists: Asio's, which calls the system's resolver. To be run
// under ThreadSanitizer.

#include "operator/net/resolve.hpp"

#include <filesystem>
#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "operator/runtime/real_time.hpp"

namespace rop::net {
namespace {

namespace asio = boost::asio;

std::size_t threads_now() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& task :
         std::filesystem::directory_iterator("/proc/self/task")) {
        ++count;
    }
    return count;
}

struct Found {
    std::size_t addresses = 0;
    std::size_t answers = 0;
};

asio::awaitable<void> look_up(ports::TimePort* time, std::string host, Found* found) {
    const auto addresses = co_await resolve(time, std::move(host), 80);
    ++found->answers;
    if (addresses.has_value()) {
        found->addresses += addresses.value().size();
    }
}

TEST(Resolver, AddressesNeedNoThread) {
    asio::io_context io(1);
    const auto time = runtime::make_real_time(io.get_executor());
    const std::size_t before = threads_now();  // The sanitizer has one of its own.
    Found found;
    for (const char* host : {"127.0.0.1", "::1"}) {
        asio::co_spawn(io, look_up(time.get(), host, &found), asio::detached);
    }

    io.run();

    EXPECT_EQ(found.addresses, 2U);
    EXPECT_EQ(threads_now(), before);
}

TEST(Resolver, ManyNamesAtOnce) {
    constexpr std::size_t lookups = 200;
    asio::io_context io(1);
    const auto time = runtime::make_real_time(io.get_executor());
    Found found;
    asio::co_spawn(io, look_up(time.get(), "localhost", &found), asio::detached);
    io.run();
    const std::size_t with_one = threads_now();
    io.restart();
    for (std::size_t i = 1; i < lookups; ++i) {
        const char* host = i % 4 == 0 ? "no..name" : "localhost";
        asio::co_spawn(io, look_up(time.get(), host, &found), asio::detached);
    }

    io.run();

    EXPECT_EQ(found.answers, lookups);
    EXPECT_GE(found.addresses, lookups / 2);
    EXPECT_EQ(threads_now(), with_one) << "one for all of them";
}

/// Who asked is stopped at every moment of a look-up, and the loop ends with some under way.
TEST(Resolver, StoppedAndAbandoned) {
    for (int turns = 0; turns < 60; ++turns) {
        asio::io_context io(1);
        const auto time = runtime::make_real_time(io.get_executor());
        asio::cancellation_signal stop;
        Found found;
        for (int i = 0; i < 5; ++i) {
            asio::co_spawn(io, look_up(time.get(), "localhost", &found), asio::detached);
        }
        asio::co_spawn(io, look_up(time.get(), "localhost", &found),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        for (int i = 0; i < turns; ++i) {
            io.poll_one();
        }
        stop.emit(asio::cancellation_type::all);
        io.poll();
        EXPECT_LE(found.answers, 6U);
    }  // Here the loop is destroyed, and the resolver's thread with it.
}

}  // namespace
}  // namespace rop::net
