#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>
#include <unistd.h>

#include "operator/commands/program.hpp"
#include "operator/config/access.hpp"
#include "operator/loop/core.hpp"
#include "operator/redis/redis_port.hpp"
#include "operator/runtime/real_time.hpp"
#include "operator/telemetry/log.hpp"
#include "operator/telemetry/log_settings.hpp"
#include "operator/telemetry/metrics.hpp"
#include "operator/web/guard.hpp"
#include "operator/web/server.hpp"

namespace rop::commands {
namespace {

namespace asio = boost::asio;

std::string machine_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

loop::CoreOptions core_options(const config::Config& config, const Endpoint& listening,
                               std::shared_ptr<config::SecretReader> secrets) {
    loop::CoreOptions options;
    options.leadership.kv_prefix = config.kv_prefix;
    options.leadership.service = config.service_name;
    options.leadership.listen = listening;
    options.leadership.host = config.host_name.empty() ? machine_name() : config.host_name;
    options.leadership.version = ROP_VERSION;
    options.leadership.times = config.leadership;
    options.resync = config.resync;
    options.redis_deadline = config.redis_deadline;
    options.access = [secrets = std::move(secrets)](const ClusterSpec& spec,
                                                    const loop::FetchedSecret& fetched) {
        return secrets->access(spec, fetched.get());
    };
    return options;
}

web::ServerOptions server_options(const config::Config& config) {
    web::ServerOptions options;
    options.listen = config.listen;
    if (!config.http_cert_file.empty()) {
        ports::TlsSettings settings;
        settings.ca_file = config.http_client_ca_file;
        settings.cert_file = config.http_cert_file;
        settings.key_file = config.http_key_file;
        options.tls = std::make_shared<net::TlsFiles>(net::TlsFiles::Side::server, settings);
    }
    return options;
}

/// What is served tells addresses and names of hosts: fine on this machine, or to who is asked.
void warn_of_open_doors(const config::Config& config, const Endpoint& listening,
                        bool asks_for_token) {
    boost::system::error_code code;
    const auto address = asio::ip::make_address(listening.host, code);
    if (!code && address.is_loopback()) {
        return;
    }
    if (!asks_for_token && config.http_client_ca_file.empty()) {
        log::warn("everybody may read what is served here",
                  {{"listen", to_string(listening)},
                   {"next", "--http-token-file or --http-client-ca-file asks who it is"}});
    } else if (config.http_cert_file.empty()) {
        log::warn("tokens are sent in the clear",
                  {{"listen", to_string(listening)},
                   {"next", "--http-cert-file and --http-key-file serve over TLS"}});
    }
}

web::View view_of(const loop::Core& core) {
    web::View view;
    view.standing = core.standing();
    view.not_ready = core.not_ready();
    for (auto& [name, cluster] : core.clusters()) {
        view.clusters[name] = web::View::Cluster{cluster.status, cluster.plan};
    }
    return view;
}

/// The whole running operator. One thread; everything ends before it does.
class Operator {
  public:
    Operator(const config::Config& config, const consul::ConsulConfig& consul_at,
             const std::optional<nomad::NomadConfig>& nomad_at, const Environment& environment)
        : time_(runtime::make_real_time(io_.get_executor())),
          random_(runtime::make_real_random()),
          consul_(consul::make_consul_port(*time_, *random_, consul_at)),
          nomad_(nomad_at ? nomad::make_nomad_port(*time_, *random_, *nomad_at) : nullptr),
          redis_(redis::make_redis_port(*time_)),
          metrics_([this] { return time_->now(); }),
          guard_(net::value_of(environment, "REDIS_OPERATOR_HTTP_TOKEN"), config.http_token_file),
          server_(*time_, server_options(config),
                  [this](const web::Request& request) {
                      if (auto refused = guard_.refusal(request)) {
                          return std::move(*refused);
                      }
                      return web::answer(request, web::Source{[this] { return view_of(*core_); },
                                                              [this] { return metrics_.text(); }});
                  }),
          signals_(io_, SIGINT, SIGTERM) {}

    [[nodiscard]] Result<Endpoint> listen() {
        ROP_TRY(guard_.open());
        return server_.listen();
    }
    [[nodiscard]] bool asks_for_token() const { return guard_.asks_for_token(); }

    void run(loop::CoreOptions options) {
        const loop::Ports ports{time_.get(), redis_.get(), consul_.get(), nomad_.get(),
                                random_.get()};
        core_ = loop::make_core(ports, std::move(options), &metrics_);
        await_signal();
        // The core goes first, so that its last state can be read until the lock is given back.
        asio::co_spawn(io_, core_->run(), [this](std::exception_ptr thrown) {
            rethrow(thrown);
            server_.stop();
        });
        asio::co_spawn(io_, server_.run(), [this](std::exception_ptr thrown) {
            rethrow(thrown);
            signals_.cancel();
            io_.stop();
        });
        io_.run();
    }

  private:
    /// A task that throws is a bug: it ends the process, and the next leader takes over.
    static void rethrow(const std::exception_ptr& thrown) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }

    void await_signal() {
        signals_.async_wait([this](const boost::system::error_code& code, int number) {
            if (code) {
                return;
            }
            if (stopping_) {
                log::warn("stopped at once", {{"signal", number}});
                std::_Exit(128 + number);
            }
            stopping_ = true;
            log::info("stopping", {{"signal", number}});
            core_->stop();
            await_signal();
        });
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_;
    std::unique_ptr<ports::RandomPort> random_;
    std::unique_ptr<ports::ConsulPort> consul_;
    std::unique_ptr<ports::NomadPort> nomad_;
    std::unique_ptr<ports::RedisPort> redis_;
    telemetry::Metrics metrics_;
    std::unique_ptr<loop::Core> core_;
    web::BearerGuard guard_;
    web::Server server_;
    asio::signal_set signals_;
    bool stopping_ = false;
};

}  // namespace

Outcome run_operator(const config::Config& config, const Environment& environment) {
    log::configure(log::Settings{
        .level = log::parse_level(config.log_level).value_or(log::Level::info),
        .format = log::parse_format(config.log_format).value_or(log::Format::logfmt)});
    if (const auto problem = config::problem_of_listener(config)) {
        return failure("http: " + *problem, "redis-operator run --help lists the settings",
                       ExitCode::bad_usage);
    }
    const auto consul_at = consul_config(config, environment);
    if (consul_at.has_error()) {
        return failure(consul_at.error(), correct_consul, ExitCode::bad_usage);
    }
    const auto nomad_at = nomad_config(config, environment);
    if (nomad_at.has_error()) {
        return failure(nomad_at.error(), correct_nomad, ExitCode::bad_usage);
    }
    Operator running(config, consul_at.value(), nomad_at.value(), environment);
    const auto listening = running.listen();
    if (listening.has_error()) {
        return failure(listening.error(),
                       "give another address with --listen, such as 127.0.0.1:0");
    }
    log::info("started", {{"version", ROP_VERSION},
                          {"listen", to_string(listening.value())},
                          {"consul", net::to_string(consul_at.value().server)},
                          {"nomad", nomad_at.value() ? net::to_string(nomad_at.value()->server)
                                                     : std::string("not configured")},
                          {"kv_prefix", config.kv_prefix}});
    warn_of_open_doors(config, listening.value(), running.asks_for_token());
    running.run(core_options(
        config, listening.value(),
        std::make_shared<config::SecretReader>(environment, config::own_secret_files(config))));
    log::info("stopped");
    return Outcome{};
}

}  // namespace rop::commands
