#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "api/endpoint.hpp"

// Real servers for integration tests: on free loopback ports, each with a folder of its own, and
// ended by their own process id at the latest when the test program ends, however it ends.
namespace rop::testing {

/// Where hack/setup unpacked "redis-server", "consul", ...: in $ROP_SERVERS, else in the clone's
/// .cache. Throws with a sentence that names hack/setup when it is not there.
[[nodiscard]] std::string server_program(std::string_view name);

/// A TCP port of 127.0.0.1 that nobody had a moment ago, below those that the kernel hands out to
/// clients. Another process may still take it: start again then, as the servers below do.
[[nodiscard]] std::uint16_t free_port();

/// Calls `done` every few milliseconds until it says true; false when `limit` is over.
bool eventually(const std::function<bool()>& done,
                std::chrono::milliseconds limit = std::chrono::seconds{10},
                std::chrono::milliseconds pause = std::chrono::milliseconds{5});

/// A folder in the system's temporary folder, removed with everything in it.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// A child process; its output goes into a file. The kernel kills it when the thread that started
/// it ends, so start children from the main thread.
class ChildProcess {
  public:
    /// words[0] is the program's path.
    ChildProcess(std::vector<std::string> words, std::string output_path);
    ~ChildProcess();  // SIGKILL, and waits for its end.
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running();
    void signal(int number) const;  // SIGSTOP, SIGCONT, SIGTERM, ...
    void kill();                    // SIGKILL, and waits for its end.
    /// What it has printed so far.
    [[nodiscard]] std::string output() const;

  private:
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::string output_path_;
};

/// A redis-server that persists nothing and answers PING.
class LocalRedis {
  public:
    struct Options {
        bool cluster = false;
        std::string password;                // requirepass; empty: none.
        std::vector<std::string> arguments;  // More of them: {"--maxclients", "10"}.
        std::optional<std::uint16_t> port;   // Absent: any free one.
    };

    LocalRedis();
    explicit LocalRedis(Options options);

    [[nodiscard]] Endpoint at() const { return Endpoint{"127.0.0.1", port_}; }
    [[nodiscard]] std::uint16_t bus_port() const { return bus_port_; }
    [[nodiscard]] ChildProcess& process() { return *process_; }
    [[nodiscard]] const std::string& folder() const { return folder_->path(); }

    /// One command over a connection of its own, blocking: the raw RESP answer ("+PONG\r\n"),
    /// empty when there was none within 5 s. Authenticates when the server has a password.
    [[nodiscard]] std::string ask(const std::vector<std::string>& words) const;
    void kill() { process_->kill(); }

  private:
    [[nodiscard]] bool start();

    Options options_;
    std::uint16_t port_ = 0;
    std::uint16_t bus_port_ = 0;
    std::unique_ptr<ScratchFolder> folder_;
    std::unique_ptr<ChildProcess> process_;
};

/// A Consul agent that is its own server (-dev: nothing on disk), with a leader elected.
class LocalConsul {
  public:
    struct Options {
        std::string config;                  // A JSON document of settings, or empty.
        std::vector<std::string> arguments;  // More of them.
        std::string node = "local";
    };

    LocalConsul();
    explicit LocalConsul(Options options);

    [[nodiscard]] Endpoint at() const { return Endpoint{"127.0.0.1", http_port_}; }
    [[nodiscard]] ChildProcess& process() { return *process_; }
    void kill() { process_->kill(); }

    /// GET, blocking: the body of a 200, else empty.
    [[nodiscard]] std::string get(const std::string& target) const;

  private:
    [[nodiscard]] bool start();

    Options options_;
    std::uint16_t http_port_ = 0;
    std::unique_ptr<ScratchFolder> folder_;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace rop::testing
