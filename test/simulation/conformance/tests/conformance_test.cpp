#include <algorithm>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "test/simulation/conformance/compare.hpp"
#include "test/simulation/conformance/tests/scripts.hpp"
#include "test/simulation/redis_server.hpp"
#include "test/support/local_servers.hpp"

// The model answers as redis-server does, as far as an operator reads the answers.
namespace rop::simulation {
namespace {

using ports::Reply;
using ports::Words;
using std::chrono::milliseconds;

/// Several servers of one kind, numbered from 1 in the order of their node ids.
class Servers {
  public:
    virtual ~Servers() = default;
    virtual std::string ask(std::size_t server, const Words& words) = 0;
    virtual void kill(std::size_t server) = 0;

    [[nodiscard]] std::size_t count() const { return facts_.size(); }
    [[nodiscard]] const Facts& facts(std::size_t server) const { return facts_.at(server - 1); }

  protected:
    std::vector<Facts> facts_;
};

class ModelServers : public Servers {
  public:
    explicit ModelServers(std::size_t count) {
        for (std::uint16_t i = 0; i < count; ++i) {
            RedisOptions options;
            options.at = Endpoint{"127.0.0.1", static_cast<std::uint16_t>(7'001 + i)};
            options.bus_port = static_cast<std::uint16_t>(17'001 + i);
            options.announces_ip = false;
            options.has_config_file = true;
            options.node_timeout = milliseconds{500};
            servers_.push_back(&fleet_.start(options));
        }
        std::ranges::sort(servers_, {}, [](const RedisServer* one) { return one->node(); });
        for (RedisServer* one : servers_) {
            facts_.push_back(
                {one->node().value(), one->options().at.port, one->options().bus_port, {}});
        }
        run_for(milliseconds{300});  // A real one has started, too, before it is asked.
    }

    std::string ask(std::size_t server, const Words& words) override {
        RedisServer& one = *servers_.at(server - 1);
        const std::int64_t client = one.accept("test", {});
        const Reply reply = one.execute(client, words);
        one.disconnected(client);
        return as_resp(reply);
    }
    void kill(std::size_t server) override { fleet_.kill(servers_.at(server - 1)->id()); }

    void run_for(std::chrono::microseconds span) {
        const Moment until = clock_.now() + span;
        while (clock_.next() && *clock_.next() <= until) {
            clock_.step();
        }
    }

  private:
    Clock clock_;
    Fleet fleet_{clock_, Dice{11}};
    std::vector<RedisServer*> servers_;
};

class RealServers : public Servers {
  public:
    explicit RealServers(std::size_t count) {
        testing::LocalRedis::Options options;
        options.cluster = true;
        options.arguments = {"--cluster-node-timeout", "500", "--repl-diskless-sync-delay", "0"};
        for (std::size_t i = 0; i < count; ++i) {
            servers_.push_back(std::make_unique<testing::LocalRedis>(options));
        }
        const auto id_of = [](const auto& one) {
            return one->ask({"CLUSTER", "MYID"}).substr(5, 40);
        };
        std::ranges::sort(servers_, {}, id_of);
        for (const auto& one : servers_) {
            facts_.push_back({id_of(one), one->at().port, one->bus_port(), {}});
        }
    }

    std::string ask(std::size_t server, const Words& words) override {
        return servers_.at(server - 1)->ask(words);
    }
    void kill(std::size_t server) override { servers_.at(server - 1)->kill(); }

  private:
    std::vector<std::unique_ptr<testing::LocalRedis>> servers_;
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
        text.replace(at, from.size(), to);
        at += to.size();
    }
}

/// A reply with what differs by nature taken out: ids, ports, times, lengths, order.
std::string plain(const Servers& servers, const Words& words, std::string reply) {
    for (std::size_t i = 1; i <= servers.count(); ++i) {
        const std::string number = std::to_string(i);
        replace_all(reply, servers.facts(i).id, "{id" + number + "}");
        replace_all(reply, std::to_string(servers.facts(i).bus_port), "{bus" + number + "}");
        replace_all(reply, std::to_string(servers.facts(i).port), "{port" + number + "}");
    }
    replace_all(reply, "\r", "");
    const bool is_fields = words[0] == "INFO" || (words.size() > 1 && words[1] == "INFO");
    const bool is_nodes = words.size() > 1 && words[1] == "NODES";
    if (words[0] == "ROLE") {  // Offsets differ: connection and state are what is compared.
        return std::regex_replace(reply, std::regex(":-?[0-9]+"), ":N");
    }
    if (words[0] == "CONFIG" && words[1] == "GET") {  // Pairs, in the order of a hash table.
        return sorted_lines(reply);
    }
    if (!is_fields && !is_nodes) {
        return reply;
    }
    std::string lines;
    std::istringstream all(reply);
    for (std::string line; std::getline(all, line);) {
        if (is_fields && is_read(line)) {
            lines += line + "\n";
        } else if (is_nodes && line.find(' ') != std::string::npos) {
            // id address flags primary ping pong epoch link slots: ping and pong are times. A
            // handshake's id is drawn by chance.
            static const std::regex times("( \\S+ \\S+ \\S+) [0-9]+ [0-9]+ ");
            line = std::regex_replace(line, times, "$1 T T ");
            lines += line.find("handshake") == std::string::npos ? line : line.substr(40);
            lines += "\n";
        }
    }
    return sorted_lines(lines);
}

Words words_of(const Servers& servers, std::string line) {
    for (std::size_t i = 1; i <= servers.count(); ++i) {
        const std::string number = std::to_string(i);
        replace_all(line, "{id" + number + "}", servers.facts(i).id);
        replace_all(line, "{port" + number + "}", std::to_string(servers.facts(i).port));
        replace_all(line, "{bus" + number + "}", std::to_string(servers.facts(i).bus_port));
    }
    Words words;
    std::istringstream all(line);
    for (std::string word; all >> word;) {
        words.push_back(word);
    }
    return words;
}

class ConformanceTest : public ::testing::TestWithParam<Script> {};

TEST_P(ConformanceTest, TheModelAnswersAsTheServer) {
    const Script& script = GetParam();
    ModelServers model(script.servers);
    RealServers real(script.servers);
    for (const std::string line : script.lines) {
        if (line[0] == '!') {
            const auto server = static_cast<std::size_t>(line[1] - '0');
            model.kill(server);
            real.kill(server);
            continue;
        }
        const bool patient = line[0] == '~';
        const std::string text = line.substr(patient ? 1 : 0);
        const auto server = static_cast<std::size_t>(text[0] - '0');
        const auto ask = [&](Servers& servers) {
            const Words words = words_of(servers, text.substr(2));
            return plain(servers, words, servers.ask(server, words));
        };
        if (patient) {
            model.run_for(std::chrono::seconds{6});
        }
        const std::string expected = ask(model);
        std::string actual;
        const auto agrees = [&] { return (actual = ask(real)) == expected; };
        const milliseconds limit{patient ? 15'000 : 0};
        ASSERT_TRUE(agrees() || testing::eventually(agrees, limit))
            << line << "\nthe model: " << expected << "\nthe server: " << actual;
    }
}

INSTANTIATE_TEST_SUITE_P(Scripts, ConformanceTest, ::testing::ValuesIn(scripts()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rop::simulation
