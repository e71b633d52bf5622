#include "operator/commands/program.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "api/json/document.hpp"
#include "operator/commands/command_line.hpp"
#include "operator/commands/commands.hpp"
#include "operator/config/access.hpp"
#include "operator/redis/redis_port.hpp"
#include "operator/runtime/real_time.hpp"

namespace rop::commands {
namespace {

namespace asio = boost::asio;

/// Reads no more than a spec may have: whatever is named, a device too, it ends. `malformed` when
/// there is more.
Result<std::string> read_text(std::istream& from, const std::string& path) {
    std::string text(json::document_size_max + 1, '\0');
    from.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(from.gcount()));
    if (from.bad()) {
        return Error{ErrorKind::rejected, path + " cannot be read"};
    }
    if (text.size() > json::document_size_max) {
        return Error{ErrorKind::malformed,
                     path + " is larger than " + std::to_string(json::document_size_max) +
                         " bytes, which is all that fits into a Consul value"};
    }
    return text;
}

Result<std::string> read_file(const std::string& path) {
    if (path == "-") {
        return read_text(std::cin, "standard input");
    }
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) {
        return Error{ErrorKind::malformed, path + " is a directory, not a file"};
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{ErrorKind::rejected,
                     path + " cannot be opened; is it there, and may this user read it?"};
    }
    return read_text(file, path);
}

Result<config::Config> load_config(const Invocation& invocation, const Environment& environment) {
    config::Sources sources;
    sources.flags = invocation.flags;
    sources.environment = environment;
    sources.file_name = invocation.config_file;
    const auto variable = environment.find("REDIS_OPERATOR_CONFIG");
    if (sources.file_name.empty() && variable != environment.end()) {
        sources.file_name = variable->second;
    }
    if (!sources.file_name.empty()) {
        ROP_TRY(sources.file_text, read_file(sources.file_name));
    }
    return config::load(sources);
}

bool wants_colours(const Surroundings& surroundings) {
    const auto value = [&](const char* name) {
        const auto found = surroundings.environment.find(name);
        return found == surroundings.environment.end() ? std::string() : found->second;
    };
    return surroundings.out_is_terminal && value("NO_COLOR").empty() && value("TERM") != "dumb";
}

/// The real ports, for one command.
struct World {
    explicit World(const config::Config& config, const consul::ConsulConfig& consul_at,
                   const std::optional<nomad::NomadConfig>& nomad_at, Environment environment)
        : time(runtime::make_real_time(io.get_executor())),
          random(runtime::make_real_random()),
          consul(consul::make_consul_port(*time, *random, consul_at)),
          nomad(nomad_at ? nomad::make_nomad_port(*time, *random, *nomad_at) : nullptr),
          redis(redis::make_redis_port(*time)),
          secrets(std::move(environment), config::own_secret_files(config)) {
        options.leadership.kv_prefix = config.kv_prefix;
        options.redis_deadline = config.redis_deadline;
        options.access = [this](const ClusterSpec& spec, const loop::FetchedSecret& fetched) {
            return secrets.access(spec, fetched.get());
        };
    }

    [[nodiscard]] loop::Ports ports() const {
        return loop::Ports{time.get(), redis.get(), consul.get(), nomad.get(), random.get()};
    }

    asio::io_context io{1};
    std::unique_ptr<ports::TimePort> time;
    std::unique_ptr<ports::RandomPort> random;
    std::unique_ptr<ports::ConsulPort> consul;
    std::unique_ptr<ports::NomadPort> nomad;
    std::unique_ptr<ports::RedisPort> redis;
    config::SecretReader secrets;
    loop::CoreOptions options;
};

Answering choose(Toolbox tools, Invocation invocation, SpecFile file) {
    const ClusterName name(invocation.name);
    if (invocation.command == "apply") {
        ApplyRequest request{std::move(file), invocation.dry_run};
        co_return co_await apply(std::move(tools), std::move(request));
    }
    if (invocation.command == "delete") {
        const DeleteRequest request{name, invocation.forget_record, invocation.yes};
        co_return co_await delete_cluster(std::move(tools), request);
    }
    if (invocation.command == "get") {
        GetRequest request;
        if (!invocation.name.empty()) {
            request.name = name;
        }
        request.check = invocation.check;
        co_return co_await get(std::move(tools), std::move(request));
    }
    if (invocation.command == "describe") {
        co_return co_await describe(std::move(tools), name);
    }
    if (invocation.command == "events") {
        co_return co_await events(std::move(tools), name);
    }
    if (invocation.command == "plan") {
        co_return co_await plan(std::move(tools), name);
    }
    const WaitRequest request{name, invocation.wait_for, invocation.timeout};
    co_return co_await wait(std::move(tools), request);
}

Outcome ask(const Invocation& invocation, const config::Config& config, SpecFile file,
            const Surroundings& surroundings) {
    const auto consul_at = consul_config(config, surroundings.environment);
    if (consul_at.has_error()) {
        return failure(consul_at.error(), correct_consul, ExitCode::bad_usage);
    }
    const auto nomad_at = nomad_config(config, surroundings.environment);
    if (nomad_at.has_error()) {
        return failure(nomad_at.error(), correct_nomad, ExitCode::bad_usage);
    }
    World world(config, consul_at.value(), nomad_at.value(), surroundings.environment);
    Toolbox tools{.time = world.time.get(),
                  .store = Store(world.consul.get(), config.kv_prefix,
                                 net::to_string(consul_at.value().server), config.service_name),
                  .look =
                      [&world](ClusterName name, std::optional<ClusterSpec> instead) {
                          return loop::look_once(world.ports(), world.options, std::move(name),
                                                 std::move(instead));
                      },
                  .style = Style{wants_colours(surroundings)},
                  .format = invocation.format};
    Outcome outcome;
    const auto keep = [&](std::exception_ptr thrown, Outcome answer) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        outcome = std::move(answer);
        world.io.stop();  // Kept connections and their timers are nobody's business any more.
    };
    asio::co_spawn(world.io, choose(std::move(tools), invocation, std::move(file)), keep);
    world.io.run();
    return outcome;
}

}  // namespace

Result<consul::ConsulConfig> consul_config(const config::Config& config, Environment environment) {
    environment["CONSUL_HTTP_ADDR"] = config.consul_address;
    environment["CONSUL_HTTP_TOKEN_FILE"] = config.consul_token_file;
    environment["CONSUL_CACERT"] = config.consul_ca_file;
    environment["CONSUL_CAPATH"] = config.consul_ca_path;
    environment["CONSUL_CLIENT_CERT"] = config.consul_cert_file;
    environment["CONSUL_CLIENT_KEY"] = config.consul_key_file;
    environment["CONSUL_TLS_SERVER_NAME"] = config.consul_tls_server_name;
    return consul::config_from_environment(environment);
}

Result<std::optional<nomad::NomadConfig>> nomad_config(const config::Config& config,
                                                       Environment environment) {
    if (config.nomad_address.empty()) {
        return std::optional<nomad::NomadConfig>();
    }
    environment["NOMAD_ADDR"] = config.nomad_address;
    environment["NOMAD_CACERT"] = config.nomad_ca_file;
    environment["NOMAD_CAPATH"] = config.nomad_ca_path;
    environment["NOMAD_CLIENT_CERT"] = config.nomad_cert_file;
    environment["NOMAD_CLIENT_KEY"] = config.nomad_key_file;
    environment["NOMAD_TLS_SERVER_NAME"] = config.nomad_tls_server_name;
    ROP_TRY(nomad::NomadConfig found, nomad::config_from_environment(environment));
    found.token_file = config.nomad_token_file;
    return std::optional<nomad::NomadConfig>(std::move(found));
}

Outcome run_program(const std::vector<std::string>& words, const Surroundings& surroundings) {
    auto understood = read_command_line(words);
    if (auto* said = std::get_if<Outcome>(&understood)) {
        return std::move(*said);
    }
    const Invocation invocation = std::get<Invocation>(std::move(understood));
    if (invocation.command == "version") {
        return version(invocation.format);
    }
    SpecFile file{invocation.file, "", invocation.name};
    if (!invocation.file.empty()) {
        auto text = read_file(invocation.file);
        if (text.has_error()) {
            const bool is_no_spec = text.error().kind == ErrorKind::malformed;
            return failure(text.error(), "name a file with a JSON spec; - is standard input",
                           is_no_spec ? ExitCode::bad_usage : ExitCode::failed);
        }
        file.text = std::move(text).value();
    }
    if (invocation.command == "validate") {
        return validate(file, invocation.format);
    }
    const auto config = load_config(invocation, surroundings.environment);
    if (config.has_error()) {
        return failure(config.error(),
                       "correct that; redis-operator " + invocation.command +
                           " --help shows every setting with its default",
                       ExitCode::bad_usage);
    }
    if (invocation.command == "run") {
        return run_operator(config.value(), surroundings.environment);
    }
    return ask(invocation, config.value(), std::move(file), surroundings);
}

}  // namespace rop::commands
