#include "test/support/local_servers.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/blocking_exchange.hpp"

namespace rop::testing {
namespace {

using namespace std::chrono_literals;

constexpr int attempts = 5;  // Each with other ports.

bool is_free(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;  // As the servers do: a port in TIME_WAIT is good enough.
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

/// Between fork and exec: nothing here may allocate or lock.
[[noreturn]] void become(char* const* words, const char* output_path, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127);  // The parent died before the line above.
    }
    const int output = ::open(output_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(words[0], words);
    ::_exit(127);
}

std::string as_command(const std::vector<std::string>& words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words) {
        text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return text;
}

/// The length of the reply at the start of `text`, or 0 when it is not whole.
std::size_t reply_length(std::string_view text) {
    const auto line = text.find("\r\n");
    if (line == std::string_view::npos) {
        return 0;
    }
    const std::size_t head = line + 2;
    const long long number = std::atoll(std::string(text.substr(1, line)).c_str());
    if (text[0] == '$' && number >= 0) {
        const std::size_t whole = head + static_cast<std::size_t>(number) + 2;
        return text.size() >= whole ? whole : 0;
    }
    std::size_t at = head;
    for (long long i = 0; text[0] == '*' && i < number; ++i) {
        const std::size_t length = reply_length(text.substr(at));
        if (length == 0) {
            return 0;
        }
        at += length;
    }
    return at;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

/// Until this process ends nobody else chooses it: neither another test here nor one in Python,
/// which claims under the same names (test/support/claimed_port.py).
bool claim(std::uint16_t port) {
    const std::string name = "redis-operator-test-port-" + std::to_string(port);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), at.sun_path + 1);  // A zero before it: the abstract names.
    const int claimed = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (claimed < 0 || ::bind(claimed, reinterpret_cast<const sockaddr*>(&at), size) != 0) {
        ::close(claimed);
        return false;
    }
    return true;  // Kept open on purpose.
}

[[noreturn]] void give_up(std::string_view what, const ChildProcess* last) {
    throw std::runtime_error(std::string(what) + " did not start. It printed:\n" +
                             (last != nullptr ? last->output() : ""));
}

}  // namespace

std::string server_program(std::string_view name) {
    const char* named = std::getenv("ROP_SERVERS");
    const std::string folder = named != nullptr ? named : ROP_SOURCE_DIR "/.cache/servers/bin";
    const std::string program = folder + "/" + std::string(name);
    if (::access(program.c_str(), X_OK) != 0) {
        throw std::runtime_error("there is no " + program + ": run hack/setup");
    }
    return program;
}

std::uint16_t free_port() {
    static std::mt19937 engine{std::random_device{}()};
    std::uniform_int_distribution<std::uint16_t> any(26'000, 31'999);
    for (int i = 0; i < 1'000; ++i) {
        const std::uint16_t port = any(engine);
        if (claim(port) && is_free(port)) {
            return port;
        }
    }
    throw std::runtime_error("no free port between 26000 and 31999");
}

bool eventually(const std::function<bool()>& done, std::chrono::milliseconds limit,
                std::chrono::milliseconds pause) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        std::this_thread::sleep_for(pause);
    }
    return true;
}

ScratchFolder::ScratchFolder() {
    path_ = std::filesystem::temp_directory_path() / "redis-operator-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("no folder " + path_ + ": " + std::strerror(errno));
    }
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

ChildProcess::ChildProcess(std::vector<std::string> words, std::string output_path)
    : output_path_(std::move(output_path)) {
    std::vector<char*> pointers;
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::runtime_error("fork: " + std::string(std::strerror(errno)));
    }
    if (pid_ == 0) {
        become(pointers.data(), output_path_.c_str(), parent);
    }
}

ChildProcess::~ChildProcess() {
    kill();
}

bool ChildProcess::running() {
    if (!reaped_ && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        reaped_ = true;
    }
    return !reaped_;
}

void ChildProcess::signal(int number) const {
    if (!reaped_) {
        ::kill(pid_, number);
    }
}

void ChildProcess::kill() {
    if (!reaped_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        reaped_ = true;
    }
}

std::string ChildProcess::output() const {
    return read_file(output_path_);
}

LocalRedis::LocalRedis() : LocalRedis(Options{}) {}

LocalRedis::LocalRedis(Options options) : options_(std::move(options)) {
    for (int i = 0; i < attempts; ++i) {
        if (start()) {
            return;
        }
    }
    give_up("redis-server", process_.get());
}

bool LocalRedis::start() {
    folder_ = std::make_unique<ScratchFolder>();
    port_ = options_.port.value_or(free_port());
    bus_port_ = options_.cluster ? free_port() : std::uint16_t{0};
    std::ofstream config(folder_->path() + "/redis.conf");
    config << "port " << port_ << "\nbind 127.0.0.1\nsave \"\"\nappendonly no\n"
           << "dir " << folder_->path() << "\n";
    if (options_.cluster) {
        config << "cluster-enabled yes\ncluster-port " << bus_port_ << "\n";
    }
    if (!options_.password.empty()) {
        config << "requirepass " << options_.password << "\n";
    }
    config.close();
    std::vector<std::string> words{server_program("redis-server"), folder_->path() + "/redis.conf"};
    words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    process_ = std::make_unique<ChildProcess>(std::move(words), folder_->path() + "/log");
    // Whoever took the port first would answer too: ask for the process id.
    const std::string ours = "\nprocess_id:" + std::to_string(process_->pid()) + "\r";
    const auto answers = [&] { return ask({"INFO", "server"}).find(ours) != std::string::npos; };
    const bool ended = eventually([&] { return !process_->running() || answers(); });
    return ended && process_->running();
}

std::string LocalRedis::ask(const std::vector<std::string>& words) const {
    std::string question;
    if (!options_.password.empty()) {
        question = as_command({"AUTH", options_.password});
    }
    const std::size_t before = question.empty() ? 0 : std::string_view("+OK\r\n").size();
    question += as_command(words);
    const std::string answer = blocking_exchange(at(), question, [before](std::string_view text) {
        return text.size() > before && reply_length(text.substr(before)) > 0;
    });
    return answer.size() > before ? answer.substr(before) : "";
}

LocalConsul::LocalConsul() : LocalConsul(Options{}) {}

LocalConsul::LocalConsul(Options options) : options_(std::move(options)) {
    for (int i = 0; i < attempts; ++i) {
        if (start()) {
            return;
        }
    }
    give_up("consul", process_.get());
}

bool LocalConsul::start() {
    folder_ = std::make_unique<ScratchFolder>();
    http_port_ = free_port();
    const std::string server_port = std::to_string(free_port());
    std::vector<std::string> words{server_program("consul"), "agent", "-dev"};
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
             {"bind", "127.0.0.1"},
             {"client", "127.0.0.1"},
             {"node", options_.node},
             {"http-port", std::to_string(http_port_)},
             {"server-port", server_port},
             {"serf-lan-port", std::to_string(free_port())},
             {"serf-wan-port", std::to_string(free_port())},
             {"dns-port", "-1"},
             {"grpc-port", "-1"}}) {
        words.push_back("-" + name + "=" + value);
    }
    if (!options_.config.empty()) {
        const std::string path = folder_->path() + "/settings.json";
        std::ofstream(path) << options_.config;
        words.push_back("-config-file=" + path);
    }
    words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    process_ = std::make_unique<ChildProcess>(std::move(words), folder_->path() + "/log");
    // Whoever took the port first would answer too, but with another server's port.
    const std::string ours = "\"127.0.0.1:" + server_port + "\"";
    const auto elected = [&] { return get("/v1/status/leader").find(ours) == 0; };
    const bool ended =
        eventually([&] { return !process_->running() || elected(); }, std::chrono::seconds{30});
    return ended && process_->running();
}

std::string LocalConsul::get(const std::string& target) const {
    const std::string answer =
        blocking_exchange(at(), "GET " + target + " HTTP/1.0\r\nHost: localhost\r\n\r\n",
                          [](std::string_view) { return false; });  // HTTP/1.0: until it closes.
    const auto body = answer.find("\r\n\r\n");
    const bool is_good = answer.rfind("HTTP/1.", 0) == 0 && answer.find(" 200 ") == 8;
    return is_good && body != std::string::npos ? answer.substr(body + 4) : "";
}

}  // namespace rop::testing
