#include "operator/consul/consul_port.hpp"

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "api/path.hpp"
#include "operator/consul/parse.hpp"
#include "operator/consul/write.hpp"
#include "operator/net/api_client.hpp"

namespace rop::consul {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ports::BlockingQuery;
using ports::Page;
using Method = net::HttpRequest::Method;
using net::in_answer;
using net::percent_encode;
using net::percent_encode_path;
using net::Target;

constexpr std::size_t most_operations = 64;  // Consul's own limit of a transaction.

net::ApiOptions api_options(const ConsulConfig& config) {
    net::ApiOptions options;
    options.server = config.server;
    options.product = "Consul";
    options.token = config.token;
    options.token_file = config.token_file;
    options.basic_auth = config.basic_auth;
    options.tls = config.tls;
    options.deadline = config.deadline;
    if (!config.consul_namespace.empty()) {
        options.headers.push_back({"X-Consul-Namespace", config.consul_namespace});
    }
    if (!config.partition.empty()) {
        options.headers.push_back({"X-Consul-Partition", config.partition});
    }
    // From recorded answers of 1.8.7 and the sources of newer ones: validation answers 500.
    options.refusals = {"invalid session",  "Invalid session",  "Invalid Session",
                        "Missing check",    "Missing node",     "is in critical state",
                        "Unknown check",    "Unknown service",  "does not have associated TTL",
                        "Invalid behavior", "Invalid Behavior", "No path to datacenter"};
    return options;
}

class RealConsul : public ports::ConsulPort {
  public:
    RealConsul(ports::TimePort& time, ports::RandomPort& random, ConsulConfig config)
        : time_(time), config_(std::move(config)), api_(time, random, api_options(config_)) {}

    Answer<Page<std::vector<ports::KvEntry>>> kv_list(std::string prefix,
                                                      BlockingQuery query) override;
    Answer<Page<std::optional<ports::KvEntry>>> kv_get(std::string key,
                                                       BlockingQuery query) override;
    Answer<Page<std::vector<ports::ServiceEntry>>> health(std::string service,
                                                          BlockingQuery query) override;
    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp> operations) override;
    Answer<std::string> session_create(ports::SessionRequest request) override;
    Answer<bool> session_renew(std::string session) override;
    Answer<void> session_destroy(std::string session) override;
    Answer<void> register_service(ports::TtlService service) override;
    Answer<void> pass_check(std::string check_id) override;
    Answer<void> deregister_service(std::string service_id) override;
    Answer<std::vector<ports::AgentService>> agent_services(std::string name) override;
    Answer<std::string> agent_node() override;

  private:
    Answer<net::ApiAnswer> read(Target target, BlockingQuery query);
    /// Any success; everything else is an error.
    Answer<net::ApiAnswer> write(Target target, std::string body, std::vector<Right> rights);
    Answer<net::ApiAnswer> ask_for_rights(std::string body);
    asio::awaitable<Error> refused(net::ApiAnswer answer, std::vector<Right> rights);
    asio::awaitable<std::string> lacking(std::vector<Right> rights);
    Answer<void> trust_absence(net::ApiAnswer answer, std::vector<Right> rights,
                               BlockingQuery query);
    [[nodiscard]] Target global(std::string path) const;
    /// For a service that we registered, by its id or its check's.
    [[nodiscard]] std::vector<Right> rights_to_change(const std::string& id) const;

    ports::TimePort& time_;
    ConsulConfig config_;
    net::ApiClient api_;
    std::map<std::string, Moment> absence_trusted_at_;  // By the rights that were asked for.
    std::map<std::string, std::string> registered_;     // Services, by their id and their check's.
};

/// A path whose answer depends on the datacenter.
Target RealConsul::global(std::string path) const {
    Target target(std::move(path));
    target.with_optional("dc", config_.datacenter);
    return target;
}

std::vector<Right> RealConsul::rights_to_change(const std::string& id) const {
    const auto service = registered_.find(id);
    return service == registered_.end() ? std::vector<Right>{}
                                        : std::vector<Right>{{"service", "write", service->second}};
}

asio::awaitable<Result<net::ApiAnswer>> RealConsul::read(Target target, BlockingQuery query) {
    if (query.consistent) {
        target.with("consistent");
    }
    co_return co_await api_.read(std::move(target), query);
}

asio::awaitable<Result<net::ApiAnswer>> RealConsul::write(Target target, std::string body,
                                                          std::vector<Right> rights) {
    ROP_CO_TRY(auto answer, co_await api_.ask(Method::put, std::move(target), std::move(body)));
    if (!answer.is_success()) {
        co_return co_await refused(std::move(answer), std::move(rights));
    }
    co_return answer;
}

/// `body` is what write_rights() gives. Answers to any token, and with 401 when access control is
/// off.
asio::awaitable<Result<net::ApiAnswer>> RealConsul::ask_for_rights(std::string body) {
    Target target("/v1/internal/acl/authorize");
    co_return co_await api_.ask(Method::post, std::move(target), std::move(body));
}

/// Empty when Consul does not say that one of them is lacking.
asio::awaitable<std::string> RealConsul::lacking(std::vector<Right> rights) {
    const auto judged = co_await ask_for_rights(write_rights(rights));
    if (judged.has_error() || !judged.value().is_success()) {
        co_return std::string();
    }
    const auto missing = parse_missing_right(judged.value().response.body);
    co_return missing.has_value() ? missing.value().value_or("") : "";
}

/// A refusal does not say which right it is for the lack of.
asio::awaitable<Error> RealConsul::refused(net::ApiAnswer answer, std::vector<Right> rights) {
    Error error = api_.refusal(answer);
    if (error.kind == ErrorKind::denied && !rights.empty()) {
        const std::string missing = co_await lacking(std::move(rights));
        if (!missing.empty()) {
            error.what += ": the token lacks " + missing;
        }
    }
    co_return error;
}

/// Consul leaves out of a list what a token may not see, and an empty list looks as if nothing
/// were there. Newer versions say so in a header, all tell which rights a token lacks.
asio::awaitable<Result<void>> RealConsul::trust_absence(net::ApiAnswer answer,
                                                        std::vector<Right> rights,
                                                        BlockingQuery query) {
    constexpr auto trusted_for = 60s;
    std::string body = write_rights(rights);
    const auto known = absence_trusted_at_.find(body);
    if (!query.consistent && known != absence_trusted_at_.end() &&
        time_.now() - known->second < trusted_for) {
        co_return ok();
    }
    ROP_CO_TRY(const auto judged, co_await ask_for_rights(body));
    if (judged.is_success()) {
        ROP_CO_TRY(const auto missing,
                   in_answer(judged, parse_missing_right(judged.response.body)));
        if (missing) {
            co_return Error{ErrorKind::denied,
                            answer.what + ": empty because the token lacks " + *missing};
        }
    } else if (judged.response.status >= 500 || judged.response.status == 403) {
        co_return api_.refusal(judged);
    }  // Else access control is off (401), or this Consul cannot tell.
    absence_trusted_at_[std::move(body)] = time_.now();
    co_return ok();
}

Result<> whole(const net::ApiAnswer& answer) {
    if (answer.response.header("X-Consul-Results-Filtered-By-ACLs") == "true") {
        return Error{ErrorKind::denied, answer.what + ": the token may not read all of it"};
    }
    return ok();
}

Error unaddressable(std::string_view key) {
    return Error{ErrorKind::rejected,
                 "the key \"" + std::string(key) + "\" has an empty, . or .. segment"};
}

asio::awaitable<Result<Page<std::vector<ports::KvEntry>>>> RealConsul::kv_list(
    std::string prefix, BlockingQuery query) {
    if (!is_clean_path(prefix)) {
        co_return unaddressable(prefix);
    }
    Target target = global("/v1/kv/" + percent_encode_path(prefix));
    target.with("recurse");
    ROP_CO_TRY(const auto answer, co_await read(target, query));
    Page<std::vector<ports::KvEntry>> page;
    std::vector<Right> rights{{"key", "read", prefix}};
    if (answer.is_success()) {
        ROP_CO_TRY(whole(answer));
        ROP_CO_TRY(page.value, in_answer(answer, parse_kv(answer.response.body)));
    } else if (answer.response.status != 404) {
        co_return co_await refused(answer, std::move(rights));
    }
    ROP_CO_TRY(page.index, api_.index_of(answer));
    if (page.value.empty()) {
        ROP_CO_TRY(co_await trust_absence(answer, std::move(rights), query));
    }
    co_return page;
}

asio::awaitable<Result<Page<std::optional<ports::KvEntry>>>> RealConsul::kv_get(
    std::string key, BlockingQuery query) {
    if (!is_clean_path(key)) {
        co_return unaddressable(key);
    }
    Target target = global("/v1/kv/" + percent_encode_path(key));
    ROP_CO_TRY(const auto answer, co_await read(target, query));
    Page<std::optional<ports::KvEntry>> page;
    if (answer.is_success()) {
        ROP_CO_TRY(auto entries, in_answer(answer, parse_kv(answer.response.body)));
        if (entries.size() != 1) {
            co_return Error{ErrorKind::malformed, answer.what + ": want one entry"};
        }
        page.value = std::move(entries.front());
    } else if (answer.response.status != 404) {
        std::vector<Right> rights{{"key", "read", key}};
        co_return co_await refused(answer, std::move(rights));
    }
    ROP_CO_TRY(page.index, api_.index_of(answer));
    co_return page;
}

asio::awaitable<Result<Page<std::vector<ports::ServiceEntry>>>> RealConsul::health(
    std::string service, BlockingQuery query) {
    Target target = global("/v1/health/service/" + percent_encode(service));
    ROP_CO_TRY(const auto answer, co_await read(target, query));
    // An instance is left out as well when its node may not be read.
    std::vector<Right> rights{{"service", "read", service}, {"node", "read", ""}};
    if (!answer.is_success()) {
        co_return co_await refused(answer, std::move(rights));
    }
    ROP_CO_TRY(whole(answer));
    Page<std::vector<ports::ServiceEntry>> page;
    ROP_CO_TRY(page.value, in_answer(answer, parse_health(answer.response.body)));
    ROP_CO_TRY(page.index, api_.index_of(answer));
    if (page.value.empty()) {
        ROP_CO_TRY(co_await trust_absence(answer, std::move(rights), query));
    }
    co_return page;
}

asio::awaitable<Result<ports::TxnAnswer>> RealConsul::txn(std::vector<ports::TxnOp> operations) {
    if (operations.empty() || operations.size() > most_operations) {
        co_return Error{ErrorKind::rejected, "a transaction has 1 to 64 operations, not " +
                                                 std::to_string(operations.size())};
    }
    Target target = global("/v1/txn");
    std::string body = write_txn(operations);
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::put, target, std::move(body)));
    if (answer.is_success()) {
        co_return in_answer(answer, parse_txn_applied(answer.response.body, operations));
    }
    std::vector<Right> rights;
    for (const auto& operation : operations) {
        const bool reads = std::holds_alternative<ports::KvCheckSession>(operation);
        rights.push_back(Right{"key", reads ? "read" : "write", key_of(operation)});
    }
    if (answer.response.status != 409) {
        co_return co_await refused(answer, std::move(rights));
    }
    ROP_CO_TRY(auto rolled_back,
               in_answer(answer, parse_txn_refused(answer.response.body, operations)));
    std::string& why = rolled_back.errors.front();
    if (why.find("Permission denied") != std::string::npos) {
        const std::string missing = co_await lacking(std::move(rights));
        why += missing.empty() ? "" : ": the token lacks " + missing;
    }
    co_return rolled_back;
}

asio::awaitable<Result<std::string>> RealConsul::session_create(ports::SessionRequest request) {
    Target target = global("/v1/session/create");
    std::string body = write_session(request);
    std::vector<Right> rights{{"session", "write", ""}};
    ROP_CO_TRY(const auto answer, co_await write(target, std::move(body), std::move(rights)));
    co_return in_answer(answer, parse_session_id(answer.response.body));
}

asio::awaitable<Result<bool>> RealConsul::session_renew(std::string session) {
    Target target = global("/v1/session/renew/" + percent_encode(session));
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::put, target));
    if (answer.response.status == 404) {
        co_return false;
    }
    if (!answer.is_success()) {
        std::vector<Right> rights{{"session", "write", ""}};
        co_return co_await refused(answer, std::move(rights));
    }
    co_return true;
}

asio::awaitable<Result<void>> RealConsul::session_destroy(std::string session) {
    Target target = global("/v1/session/destroy/" + percent_encode(session));
    std::vector<Right> rights{{"session", "write", ""}};
    ROP_CO_TRY(co_await write(target, std::string(), std::move(rights)));
    co_return ok();
}

asio::awaitable<Result<void>> RealConsul::register_service(ports::TtlService service) {
    Target target("/v1/agent/service/register");
    target.with("replace-existing-checks", "true");  // Else an older check of that id stays.
    std::string body = write_service(service);
    registered_[service.id] = service.name;
    registered_[service.check_id] = service.name;
    std::vector<Right> rights{{"service", "write", service.name}};
    ROP_CO_TRY(co_await write(target, std::move(body), std::move(rights)));
    co_return ok();
}

asio::awaitable<Result<void>> RealConsul::pass_check(std::string check_id) {
    Target target("/v1/agent/check/pass/" + percent_encode(check_id));
    std::vector<Right> rights = rights_to_change(check_id);
    ROP_CO_TRY(co_await write(target, std::string(), std::move(rights)));
    co_return ok();
}

asio::awaitable<Result<void>> RealConsul::deregister_service(std::string service_id) {
    Target target("/v1/agent/service/deregister/" + percent_encode(service_id));
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::put, target));
    if (!answer.is_success() && answer.response.status != 404) {  // 404: it is gone already.
        std::vector<Right> rights = rights_to_change(service_id);
        co_return co_await refused(answer, std::move(rights));
    }
    co_return ok();
}

asio::awaitable<Result<std::vector<ports::AgentService>>> RealConsul::agent_services(
    std::string name) {
    Target target("/v1/agent/health/service/name/" + percent_encode(name));
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::get, target));
    // The status tells the worst health (429 warning, 503 critical) or that there is none (404),
    // always with the list; the same numbers without a list are what they mean elsewhere.
    auto services = parse_agent_services(answer.response.body);
    const unsigned status = answer.response.status;
    const bool tells_health = status == 404 || status == 429 || status == 503;
    if (!answer.is_success() && (!tells_health || services.has_error())) {
        std::vector<Right> rights{{"service", "read", name}};
        co_return co_await refused(answer, std::move(rights));
    }
    co_return in_answer(answer, std::move(services));
}

asio::awaitable<Result<std::string>> RealConsul::agent_node() {
    Target target("/v1/agent/self");
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::get, target));
    if (!answer.is_success()) {
        co_return api_.refusal(answer);
    }
    co_return in_answer(answer, parse_agent_node(answer.response.body));
}

}  // namespace

std::unique_ptr<ports::ConsulPort> make_consul_port(ports::TimePort& time,
                                                    ports::RandomPort& random,
                                                    ConsulConfig config) {
    return std::make_unique<RealConsul>(time, random, std::move(config));
}

}  // namespace rop::consul
