#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "operator/net/stream.hpp"
#include "operator/net/tls.hpp"
#include "test/support/certificates.hpp"
#include "test/support/local_servers.hpp"
#include "test/unit/net/scripted_server.hpp"
#include "test/unit/net/tls_server.hpp"

namespace rop::net {
namespace {

namespace asio = boost::asio;
using ::testing::AllOf;
using testing::Certificate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::PemPair;
using testing::TestAuthority;
using testing::TlsEcho;
using namespace std::chrono_literals;

class TlsStreamTest : public ::testing::Test, public testing::ServedTest {
  protected:
    Connected reach(std::uint16_t port, ports::TlsSettings settings, std::string name = "") {
        StreamOptions options;
        options.tls = std::make_shared<TlsFiles>(TlsFiles::Side::client, std::move(settings));
        options.peer_name = std::move(name);
        return reach(port, std::move(options));
    }
    Connected reach(std::uint16_t port, StreamOptions options, std::chrono::seconds limit = 10s) {
        return run(connect(time.get(), Endpoint{"127.0.0.1", port}, time->now() + limit, options));
    }
    static std::string said_back(Connected& connected, TlsStreamTest& test, std::string words) {
        const Moment until = test.time->now() + 10s;
        const Transfer sent = test.run(connected.stream->write(words, Gate(), until));
        EXPECT_EQ(sent.fault, Fault::none) << sent.what;
        std::string heard;
        while (heard.size() < words.size()) {
            std::string part(words.size(), '\0');
            const Transfer got = test.run(connected.stream->read_some(part.data(), part.size()));
            if (got.fault != Fault::none) {
                ADD_FAILURE() << got.what;
                break;
            }
            heard += part.substr(0, got.bytes);
        }
        return heard;
    }
    /// What a client with these settings is told when it connects to a server with `own`.
    Connected refused(const PemPair& shown, ports::TlsSettings settings, std::string name = "") {
        echo = std::make_unique<TlsEcho>(io, TlsEcho::Options{shown, {}, 0});
        return reach(echo->port(), std::move(settings), std::move(name));
    }
    void write(const std::string& path, const std::string& text) const {
        std::ofstream(path) << text;
    }

    testing::ScratchFolder folder;
    TestAuthority authority{folder.path(), "right"};
    PemPair own = authority.issue("server");
    std::unique_ptr<TlsEcho> echo;
};

TEST_F(TlsStreamTest, CarriesWhatIsWrittenBothWays) {
    TlsEcho server(io, {own, {}, 0});
    auto connected = reach(server.port(), authority.settings());
    ASSERT_TRUE(connected.stream) << connected.what;

    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");
    const std::string large(300'000, 'x');  // Many records, more than a socket's buffer takes.
    std::string heard;
    auto write = [&]() -> asio::awaitable<Transfer> {
        co_return co_await connected.stream->write(large, Gate(), time->now() + 10s);
    };
    bool is_written = false;
    asio::co_spawn(io, write(), [&](std::exception_ptr, Transfer sent) {
        is_written = sent.fault == Fault::none && sent.bytes == large.size();
    });
    while (heard.size() < large.size()) {
        std::string part(65536, '\0');
        const Transfer got = run(connected.stream->read_some(part.data(), part.size()));
        ASSERT_EQ(got.fault, Fault::none) << got.what;
        heard += part.substr(0, got.bytes);
    }
    EXPECT_EQ(heard, large);
    EXPECT_TRUE(is_written);
    EXPECT_TRUE(connected.stream->is_quiet());
}

TEST_F(TlsStreamTest, SpeaksTls12WithThoseWhoHaveNothingNewer) {
    TlsEcho server(io, {own, {}, TLS1_2_VERSION});
    auto connected = reach(server.port(), authority.settings());
    ASSERT_TRUE(connected.stream) << connected.what;
    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");
}

TEST_F(TlsStreamTest, SpeaksNothingOlderThanTls12) {
    TlsEcho server(io, {own, {}, TLS1_1_VERSION});
    const auto connected = reach(server.port(), authority.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what, HasSubstr("1.2 or newer is needed"));
}

TEST_F(TlsStreamTest, AsksForTheNameThatTheCertificateMustProve) {
    Certificate wanted;
    wanted.names = {"consul.internal", "*.redis.internal"};
    TlsEcho server(io, {authority.issue("named", wanted), {}, 0});

    EXPECT_TRUE(reach(server.port(), authority.settings(), "consul.internal").stream);
    EXPECT_TRUE(reach(server.port(), authority.settings(), "a.redis.internal").stream);
    auto settings = authority.settings();
    settings.server_name = "consul.internal";
    EXPECT_TRUE(reach(server.port(), settings, "elsewhere").stream) << "the setting wins";
    run_until([&] { return server.asked_for().size() == 3; });
    EXPECT_THAT(server.asked_for(),
                ElementsAre("consul.internal", "a.redis.internal", "consul.internal"));
}

TEST_F(TlsStreamTest, ProvesAnAddressByTheAddressesOfTheCertificate) {
    TlsEcho server(io, {own, {}, 0});
    EXPECT_TRUE(reach(server.port(), authority.settings(), "127.0.0.1").stream);
    run_until([&] { return server.asked_for().size() == 1; });
    EXPECT_THAT(server.asked_for(), ElementsAre("")) << "an address is not asked for by name";

    // "127.0.0.1" as a DNS name proves no address.
    Certificate named;
    named.names = {"127.0.0.1"};
    const auto connected = refused(authority.issue("odd", named), authority.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
}

TEST_F(TlsStreamTest, NamesTheAuthorityThatItDoesNotKnow) {
    const TestAuthority other(folder.path(), "wrong");
    const auto connected = refused(own, other.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_EQ(connected.what,
              "certificate signed by unknown authority: that of (CN = server) was issued by (CN = "
              "right CA), whose certificate is not in " +
                  other.ca_file() + "; next: give the CA that issued it");
    run_until([&] { return !echo->failures().empty(); });
    EXPECT_THAT(echo->failures().front(), HasSubstr("unknown ca")) << "the server is told, too";
}

TEST_F(TlsStreamTest, TrustsTheSystemsAuthoritiesWhenNoneAreGiven) {
    const auto connected = refused(own, ports::TlsSettings{});
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what, HasSubstr("is not among this system's authorities"));
}

TEST_F(TlsStreamTest, NamesWhatTheCertificateIsFor) {
    const auto connected = refused(own, authority.settings(), "consul.internal");
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_EQ(connected.what,
              "the certificate is not for consul.internal: it names localhost, 127.0.0.1, "
              "0000:0000:0000:0000:0000:0000:0000:0001; next: connect by a name that it has, give "
              "that name as the server's name, or issue it for consul.internal");
}

TEST_F(TlsStreamTest, TakesNoCommonNameForAName) {
    Certificate wanted;
    wanted.common_name = "localhost";
    const auto connected =
        refused(authority.issue("common", wanted), authority.settings(), "localhost");
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what, HasSubstr("it names no name at all (no subjectAltName)"));
}

TEST_F(TlsStreamTest, SaysSinceWhenACertificateHasExpired) {
    Certificate wanted;
    wanted.addresses = {"127.0.0.1"};
    wanted.valid_from = -7200s;
    wanted.valid_until = -3600s;
    const auto connected = refused(authority.issue("old", wanted), authority.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what,
                MatchesRegex("the certificate of \\(CN = server\\) has expired: it was valid until "
                             "20..-..-..T..:..:..Z, and here it is 20..-..-..T..:..:..Z; .*"));
}

TEST_F(TlsStreamTest, SaysFromWhenACertificateIsValid) {
    Certificate wanted;
    wanted.addresses = {"127.0.0.1"};
    wanted.valid_from = 1800s;
    const auto connected = refused(authority.issue("early", wanted), authority.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what, MatchesRegex(".*is not valid before 20..-.*set the clock right.*"));
}

TEST_F(TlsStreamTest, BelievesAnyoneOnlyWhenTold) {
    const TestAuthority other(folder.path(), "wrong");
    auto settings = other.settings();
    settings.verify = false;
    auto connected = refused(own, settings, "consul.internal");
    ASSERT_TRUE(connected.stream) << connected.what;
    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");
}

TEST_F(TlsStreamTest, ProvesItselfWithACertificate) {
    TlsEcho server(io, {own, authority.ca_file(), 0});
    const PemPair client = authority.issue("client");
    auto connected = reach(server.port(), authority.settings(client));
    ASSERT_TRUE(connected.stream) << connected.what;
    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");
}

/// With TLS 1.3 a client learns only by reading that its certificate was refused.
std::string refusal_of(Connected connected, testing::ServedTest& test) {
    if (!connected.stream) {
        return connected.what;
    }
    char byte = 0;
    const Transfer got = test.run(connected.stream->read_some(&byte, 1));
    return got.what;
}

TEST_F(TlsStreamTest, SaysThatACertificateIsWanted) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsEcho server(io, {own, authority.ca_file(), version});
        const std::string what = refusal_of(reach(server.port(), authority.settings()), *this);
        EXPECT_THAT(what, HasSubstr("the peer wants a certificate of its client, and none is "
                                    "given"));
    }
}

TEST_F(TlsStreamTest, SaysThatItsOwnCertificateIsNotBelieved) {
    const TestAuthority other(folder.path(), "wrong");
    const PemPair foreign = other.issue("foreign");
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsEcho server(io, {own, authority.ca_file(), version});
        const std::string what =
            refusal_of(reach(server.port(), authority.settings(foreign)), *this);
        EXPECT_THAT(what, AllOf(HasSubstr("the peer does not know the authority behind our "
                                          "certificate"),
                                HasSubstr(foreign.cert)));
    }
}

TEST_F(TlsStreamTest, TellsAPeerThatDoesNotSpeakTls) {
    asio::ip::tcp::acceptor plain(io, {asio::ip::address_v4::loopback(), 0});
    auto say = [&]() -> asio::awaitable<void> {
        auto socket = co_await plain.async_accept(asio::use_awaitable);
        const std::string words = "-ERR unknown command\r\n";
        co_await socket.async_send(asio::buffer(words), asio::use_awaitable);
        std::string rest(1000, '\0');
        co_await socket.async_receive(asio::buffer(rest), asio::use_awaitable);
    };
    asio::co_spawn(io, say(), [](std::exception_ptr) {});
    const auto connected = reach(plain.local_endpoint().port(), authority.settings());
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_THAT(connected.what, HasSubstr("the peer does not speak TLS"));
}

TEST_F(TlsStreamTest, WaitsForASilentPeerNoLongerThanItMay) {
    asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
    StreamOptions options;
    options.tls = std::make_shared<TlsFiles>(TlsFiles::Side::client, authority.settings());
    const auto connected = reach(silent.local_endpoint().port(), options, 1s);
    EXPECT_EQ(connected.fault, Fault::timed_out);
    EXPECT_THAT(connected.what, HasSubstr("a port without TLS may wait for more as well"));
}

TEST_F(TlsStreamTest, AsksTheGateBeforeEveryRecord) {
    TlsEcho server(io, {own, {}, 0});
    auto connected = reach(server.port(), authority.settings());
    ASSERT_TRUE(connected.stream) << connected.what;
    int asked = 0;
    const Gate twice = [&] { return ++asked <= 2; };

    const std::string bytes(50'000, 'x');
    const Transfer sent = run(connected.stream->write(bytes, twice, time->now() + 10s));

    EXPECT_EQ(sent.fault, Fault::barred);
    EXPECT_EQ(sent.bytes, 32'768U);
    EXPECT_EQ(asked, 3);
    run_until([&] { return server.received() == 32'768; });
    EXPECT_EQ(server.received(), 32'768U) << "nothing of the third record may arrive";
}

/// Writes more than the sockets' buffers take to a server that reads nothing, until it waits.
class TlsStreamFull : public TlsStreamTest {
  protected:
    void write_until_full() {
        connected = reach(server.port(), authority.settings());
        ASSERT_TRUE(connected.stream) << connected.what;
        server.stop_reading();
        auto write = [](TlsStreamFull* test) -> asio::awaitable<void> {
            const Gate gate = [test] { return ++test->asked > 0 && test->may_write; };
            const Moment until = test->time->now() + 20s;
            test->sent = co_await test->connected.stream->write(test->bytes, gate, until);
        };
        asio::co_spawn(io, write(this), [](std::exception_ptr) {});
        int before = -1;
        run_until([&] { return std::exchange(before, asked) == asked; });
        ASSERT_FALSE(sent) << "it has to wait for room";
    }

    TlsEcho server{io, {own, {}, 0}};
    Connected connected;
    std::string bytes = std::string(64U * 1024 * 1024, 'x');
    std::optional<Transfer> sent;
    int asked = 0;
    bool may_write = true;
};

TEST_F(TlsStreamFull, TheGateIsAskedAgainAfterAWaitForRoom) {
    write_until_full();

    may_write = false;
    const int before = asked;
    server.read_on();
    run_until([&] { return sent.has_value(); });

    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->fault, Fault::barred);
    EXPECT_EQ(asked, before + 1);
    EXPECT_LT(sent->bytes, bytes.size());
    const Transfer more = run(connected.stream->write("more", Gate(), time->now() + 1s));
    EXPECT_EQ(more.fault, Fault::closed) << "a record that was cut off is the end";
}

TEST_F(TlsStreamFull, ClosingDropsWhatIsNotSent) {
    write_until_full();

    connected.stream->close();
    run_until([&] { return sent.has_value(); });

    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->fault, Fault::closed);
    server.read_on();
    run_until([&] { return server.ended() == 1; });
    EXPECT_EQ(server.ended(), 1);
    EXPECT_LT(server.received(), bytes.size());
}

TEST_F(TlsStreamTest, NoticesThatThePeerHasGone) {
    auto server = std::make_unique<TlsEcho>(io, TlsEcho::Options{own, {}, 0});
    auto connected = reach(server->port(), authority.settings());
    ASSERT_TRUE(connected.stream) << connected.what;
    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");
    EXPECT_TRUE(connected.stream->is_quiet());

    server->hang_up();
    run_until([&] { return !connected.stream->is_quiet(); });
    EXPECT_FALSE(connected.stream->is_quiet());
    char byte = 0;
    const Transfer got = run(connected.stream->read_some(&byte, 1));
    EXPECT_EQ(got.fault, Fault::closed);
}

TEST_F(TlsStreamTest, ConnectsToNobodyWhenItsFilesDoNotFit) {
    const std::string missing = folder.path() + "/none.pem";
    ports::TlsSettings settings = authority.settings();
    settings.ca_file = missing;
    const auto connected = reach(1, settings);
    EXPECT_EQ(connected.fault, Fault::untrusted);
    EXPECT_EQ(connected.what,
              "the CA file " + missing + " cannot be read: No such file or directory");
}

TEST_F(TlsStreamTest, TrustsAllAuthoritiesOfAFolder) {
    const TestAuthority other(folder.path(), "wrong");
    const std::string path = folder.path() + "/authorities/below";
    std::filesystem::create_directories(path);
    std::filesystem::copy(other.ca_file(), folder.path() + "/authorities/1");
    std::filesystem::copy(authority.ca_file(), path + "/2");
    ports::TlsSettings settings;
    settings.ca_path = folder.path() + "/authorities";
    EXPECT_TRUE(refused(own, settings).stream);
}

TEST_F(TlsStreamTest, ReadsFilesAnewWhenTheyChange) {
    const TestAuthority next(folder.path(), "next");
    ports::TlsSettings settings;
    settings.ca_file = folder.path() + "/ca.pem";
    std::filesystem::copy_file(authority.ca_file(), settings.ca_file);
    StreamOptions options;
    options.tls = std::make_shared<TlsFiles>(TlsFiles::Side::client, settings);
    TlsEcho old_server(io, {own, {}, 0});
    TlsEcho new_server(io, {next.issue("new"), {}, 0});
    EXPECT_TRUE(reach(old_server.port(), options).stream);
    EXPECT_FALSE(reach(new_server.port(), options).stream);

    write(settings.ca_file, "half of a fi");
    EXPECT_TRUE(reach(old_server.port(), options).stream) << "what was read before stays in use";
    std::filesystem::copy_file(next.ca_file(), settings.ca_file,
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_TRUE(reach(new_server.port(), options).stream);
    EXPECT_FALSE(reach(old_server.port(), options).stream);
}

TEST_F(TlsStreamTest, TalksOverAUnixSocketToo) {
    const std::string path = folder.path() + "/echo.sock";
    asio::local::stream_protocol::acceptor acceptor(io,
                                                    asio::local::stream_protocol::endpoint(path));
    auto say = [&]() -> asio::awaitable<void> {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        std::string words(5, '\0');
        co_await socket.async_receive(asio::buffer(words), asio::use_awaitable);
        co_await socket.async_send(asio::buffer(words), asio::use_awaitable);
    };
    asio::co_spawn(io, say(), [](std::exception_ptr) {});
    auto connected = run(connect_unix(time.get(), path, time->now() + 10s, StreamOptions()));
    ASSERT_TRUE(connected.stream) << connected.what;
    EXPECT_EQ(said_back(connected, *this, "hello"), "hello");

    acceptor.close();
    const auto nobody = run(connect_unix(time.get(), path, time->now() + 10s, StreamOptions()));
    EXPECT_EQ(nobody.fault, Fault::refused);
    const auto absent =
        run(connect_unix(time.get(), path + ".not", time->now() + 10s, StreamOptions()));
    EXPECT_EQ(absent.fault, Fault::other);
    EXPECT_EQ(absent.what, "No such file or directory");
    const auto long_path =
        run(connect_unix(time.get(), std::string(200, '/'), time->now() + 10s, StreamOptions()));
    EXPECT_THAT(long_path.what, HasSubstr("has at most 107 bytes, this one has 200"));
}

}  // namespace
}  // namespace rop::net
