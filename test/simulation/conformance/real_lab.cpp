#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "test/simulation/conformance/lab.hpp"

namespace rop::simulation {
namespace {

using ports::Reply;
using ports::Words;

// Ports are looked for by one thread at a time: there is one stream of chance for them.
std::mutex& port_mutex() {
    static std::mutex mutex;
    return mutex;
}

/// CRC16 (XMODEM), as redis-server finds the slot of a key.
std::uint16_t crc16(const std::string& text) {
    unsigned crc = 0;
    for (const char letter : text) {
        crc ^= static_cast<unsigned>(static_cast<unsigned char>(letter)) << 8U;
        for (int bit = 0; bit < 8; ++bit) {
            crc = ((crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U) & 0xFFFFU;
        }
    }
    return static_cast<std::uint16_t>(crc);
}

/// For every slot a word that belongs there.
const std::vector<std::string>& word_of_slot() {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> found(slot_count);
        std::size_t missing = slot_count;
        for (std::uint32_t i = 0; missing > 0; ++i) {
            std::string word = std::to_string(i);
            std::string& place = found.at(crc16(word) % slot_count);
            missing -= place.empty() ? 1 : 0;
            place = place.empty() ? word : place;
        }
        return found;
    }();
    return words;
}

}  // namespace

void RealLab::begin(const Terms& terms) {
    if (spent_) {
        servers_.clear();
        spent_ = false;
    }
    while (servers_.size() < terms.servers) {
        servers_.push_back(std::make_unique<Server>());
    }
    // Also those that this script has no use for: they would go on following the others.
    for (const auto& one : servers_) {
        Server& server = *one;
        server.wires.clear();
        if (server.process == nullptr || !make_blank(server, terms)) {
            launch(server, false);
            if (!make_blank(server, terms)) {
                throw std::runtime_error("a fresh redis-server does not answer");
            }
        }
    }
    const auto end = servers_.begin() + static_cast<std::ptrdiff_t>(terms.servers);
    std::sort(servers_.begin(), end,
              [](const auto& left, const auto& right) { return left->id < right->id; });
    facts_.clear();
    for (std::size_t i = 0; i < terms.servers; ++i) {
        const Server& server = *servers_.at(i);
        facts_.push_back({server.id, server.port, server.bus_port, {}});
    }
}

bool RealLab::make_blank(Server& server, const Terms& terms) {
    Wire wire(Endpoint{"127.0.0.1", server.port});
    // A replica is emptied by the reset, and refuses FLUSHALL before it.
    const auto replies = wire.ask(
        {{"FLUSHALL"},
         {"CLUSTER", "RESET", "HARD"},
         {"FLUSHALL"},
         {"CONFIG", "SET", "cluster-node-timeout", std::to_string(lab_node_timeout.count())},
         {"CONFIG", "SET", "cluster-allow-replica-migration",
          terms.replica_migration ? "yes" : "no"},
         {"CLUSTER", "MYID"}});
    if (!replies || replies->at(1).is_error() || replies->at(2).is_error()) {
        return false;
    }
    server.id = replies->back().text;
    return true;
}

void RealLab::launch(Server& server, bool same_ports) {
    constexpr int attempts = 5;
    for (int i = 0; i < attempts; ++i) {
        if (server.folder == nullptr) {
            server.folder = std::make_unique<testing::ScratchFolder>();
        }
        if (!same_ports) {
            const std::scoped_lock lock(port_mutex());
            server.port = testing::free_port();
            server.bus_port = testing::free_port();
        }
        const std::string& folder = server.folder->path();
        std::ofstream(folder + "/redis.conf")
            << "port " << server.port << "\nbind 127.0.0.1\nsave \"\"\nappendonly no\ndir "
            << folder << "\ncluster-enabled yes\ncluster-port " << server.bus_port
            << "\ncluster-announce-ip 127.0.0.1\nrepl-diskless-sync-delay 0\n"
            << "cluster-node-timeout " << lab_node_timeout.count() << "\n";
        server.process = std::make_unique<testing::ChildProcess>(
            std::vector<std::string>{testing::server_program("redis-server"),
                                     folder + "/redis.conf"},
            folder + "/log");
        const std::string ours = "\nprocess_id:" + std::to_string(server.process->pid()) + "\r";
        const auto answers = [&] {
            Wire wire(Endpoint{"127.0.0.1", server.port});
            const auto replies = wire.ask({{"INFO", "server"}, {"CLUSTER", "MYID"}, {"DBSIZE"}});
            const bool done = replies && replies->at(0).text.find(ours) != std::string::npos &&
                              !replies->at(2).is_error();  // -LOADING
            server.id = done ? replies->at(1).text : server.id;
            return done;
        };
        testing::eventually([&] { return !server.process->running() || answers(); });
        if (server.process->running()) {
            return;
        }
    }
    throw std::runtime_error("redis-server did not start: " + server.process->output());
}

bool RealLab::running(std::size_t server) const {
    return servers_.at(server - 1)->process->running();
}

std::optional<std::vector<Reply>> RealLab::ask_all(std::size_t server,
                                                   const std::vector<Words>& commands) {
    Server& one = *servers_.at(server - 1);
    auto& wire = one.wires["all at once"];
    if (wire == nullptr || !wire->open()) {
        wire = std::make_unique<Wire>(Endpoint{"127.0.0.1", one.port});
    }
    return wire->ask(commands);
}

std::optional<Reply> RealLab::ask(std::size_t server, const std::string& connection,
                                  const Words& words) {
    Server& one = *servers_.at(server - 1);
    auto& wire = one.wires[connection];
    if (wire == nullptr) {
        wire = std::make_unique<Wire>(Endpoint{"127.0.0.1", one.port});
    }
    const auto replies = wire->ask({words});
    return replies ? std::optional(replies->front()) : std::nullopt;
}

void RealLab::kill(std::size_t server) {
    ask_all(server, {{"SAVE"}});
    servers_.at(server - 1)->process->kill();
    servers_.at(server - 1)->wires.clear();
    spend();
}

void RealLab::start(std::size_t server, Restart how) {
    Server& one = *servers_.at(server - 1);
    const std::string& folder = one.folder->path();
    if (how == Restart::without_data || how == Restart::as_a_blank_one) {
        std::filesystem::remove(folder + "/dump.rdb");
    }
    if (how == Restart::as_a_blank_one) {
        std::filesystem::remove(folder + "/nodes.conf");
    }
    launch(one, how != Restart::on_new_ports);
    facts_.at(server - 1).port = one.port;
    facts_.at(server - 1).bus_port = one.bus_port;
    renamed(server, one.id);
}

std::string RealLab::key(Key key) const {
    const std::string& tag = word_of_slot().at(slot_of(key).value());
    return "{" + tag + "}" + std::to_string(key);
}

}  // namespace rop::simulation
