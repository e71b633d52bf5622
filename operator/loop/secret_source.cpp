#include "operator/loop/secret_source.hpp"

#include <algorithm>
#include <utility>

#include "api/path.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

using Items = std::optional<ports::VariableItems>;
using ItemsAnswer = asio::awaitable<Result<ports::Page<Items>>>;

constexpr std::string_view variables = "redis-operator/";
constexpr std::string_view usual_item = "password";
constexpr std::string_view why_there =
    "; whoever writes a spec decides where its password goes, so it may name only its own";

/// What is named below a place of one's own: nothing that leads out of it, and not a folder.
bool leads_below(std::string_view rest) {
    return !rest.ends_with('/') && is_clean_path(rest);
}

Result<std::optional<SecretPlace>> key_place(const ClusterSpec& spec,
                                             const std::string& kv_prefix) {
    const std::string& key = spec.auth->password.where;
    const std::string own = kv_prefix + "secrets/" + spec.name.value() + "/";
    if (!key.starts_with(own) || !leads_below(std::string_view(key).substr(own.size()))) {
        return Error{ErrorKind::rejected,
                     "the Consul key " + key + " is not below " + own + std::string(why_there)};
    }
    return std::optional(SecretPlace{SecretRef::Kind::consul_key, key, "", ""});
}

Result<std::optional<SecretPlace>> variable_place(const ClusterSpec& spec) {
    const std::string& where = spec.auth->password.where;
    const auto hash = where.find('#');
    const std::string path = where.substr(0, hash);
    const std::string item =
        hash == std::string::npos ? std::string(usual_item) : where.substr(hash + 1);
    const std::string own = std::string(variables) + spec.name.value();
    const bool is_below =
        path.starts_with(own + "/") && leads_below(std::string_view(path).substr(own.size() + 1));
    if (path != own && !is_below) {
        return Error{ErrorKind::rejected, "the Nomad variable " + path + " is neither " + own +
                                              " nor below it" + std::string(why_there)};
    }
    return std::optional(SecretPlace{SecretRef::Kind::nomad_variable, path, item,
                                     spec.nomad ? spec.nomad->nomad_namespace : ""});
}

std::string name_of(const SecretPlace& place) {
    return place.kind == SecretRef::Kind::consul_key ? "the Consul key " + place.path
                                                     : "the Nomad variable " + place.path;
}

/// A key is taken for a variable with one item, whose name is empty.
ItemsAnswer ask_for(Ports ports, SecretPlace place, ports::BlockingQuery query) {
    if (place.kind == SecretRef::Kind::nomad_variable) {
        if (ports.nomad == nullptr) {
            co_return Error{ErrorKind::rejected, "no address of Nomad was given: set NOMAD_ADDR"};
        }
        co_return co_await ports.nomad->variable(place.nomad_namespace, place.path, query);
    }
    ROP_CO_TRY(auto page, co_await ports.consul->kv_get(place.path, query));
    ports::Page<Items> answer{std::nullopt, page.index};
    if (page.value) {
        answer.value = ports::VariableItems{{"", std::move(page.value->value)}};
    }
    co_return answer;
}

Result<std::string> text_of(const SecretPlace& place, const Items& items) {
    if (!items) {
        return Error{ErrorKind::rejected,
                     name_of(place) +
                         ", which the spec names for the password, does not exist "
                         "or may not be read"};
    }
    const auto found = items->find(place.item);
    if (found == items->end()) {
        return Error{ErrorKind::rejected, name_of(place) + " has no item " + place.item};
    }
    return found->second;
}

FetchedSecret cannot_be_read(const SecretPlace& place, const std::string& why) {
    return std::make_shared<const Result<std::string>>(
        Error{ErrorKind::unavailable, name_of(place) + " cannot be read: " + why});
}

}  // namespace

Result<std::optional<SecretPlace>> secret_place(const ClusterSpec& spec,
                                                const std::string& kv_prefix) {
    if (spec.auth && spec.auth->password.kind == SecretRef::Kind::consul_key) {
        return key_place(spec, kv_prefix);
    }
    if (spec.auth && spec.auth->password.kind == SecretRef::Kind::nomad_variable) {
        return variable_place(spec);
    }
    return std::optional<SecretPlace>();
}

asio::awaitable<FetchedSecret> fetch_secret(Ports ports, ClusterSpec spec, std::string kv_prefix) {
    const auto place = secret_place(spec, kv_prefix);
    if (place.has_error()) {
        co_return std::make_shared<const Result<std::string>>(place.error());
    }
    if (!place.value()) {
        co_return nullptr;
    }
    const ports::BlockingQuery now;
    const auto page = co_await ask_for(ports, *place.value(), now);
    if (page.has_error()) {
        co_return cannot_be_read(*place.value(), page.error().what);
    }
    co_return std::make_shared<const Result<std::string>>(
        text_of(*place.value(), page.value().value));
}

SecretSource::SecretSource(Ports ports, std::string kv_prefix, std::function<void()> ring)
    : ports_(ports),
      kv_prefix_(std::move(kv_prefix)),
      ring_(std::move(ring)),
      tasks_(ports.time->executor()) {
    tasks_.on_failure([this] {
        broken_ = true;
        ring_();
    });
}

asio::awaitable<void> SecretSource::follow(ClusterSpec spec) {
    auto place = secret_place(spec, kv_prefix_);
    const bool is_same =
        !broken_ && place.has_value() && place_.has_value() && place.value() == place_.value();
    if (is_same) {
        co_return;
    }
    tasks_.stop();
    co_await tasks_.join();  // Throws what the watch ended by; the next round begins anew.
    broken_ = false;
    watch_.reset();
    place_ = std::move(place);
    if (place_.has_error() || !place_.value()) {
        co_return;
    }
    const auto ask = [this, wanted = *place_.value()](ports::BlockingQuery query) {
        return ask_for(ports_, wanted, query);
    };
    observe::WatchOptions options;
    options.name = "password of " + spec.name.value();
    watch_ = std::make_unique<ItemsWatch>(ports_.time, ports_.random, options, ask, ring_);
    tasks_.spawn(options.name, watch_->run());
}

FetchedSecret SecretSource::fetched() const {
    if (place_.has_error()) {
        return std::make_shared<const Result<std::string>>(place_.error());
    }
    if (!place_.value()) {
        return nullptr;
    }
    if (!watch_ || !watch_->value()) {
        return cannot_be_read(*place_.value(), watch_ ? watch_->view().why : "not asked yet");
    }
    return std::make_shared<const Result<std::string>>(text_of(*place_.value(), *watch_->value()));
}

bool SecretSource::ready() const {
    return !watch_ || watch_->view().seen || watch_->failures() > 0;
}

void SecretSource::report(telemetry::Metrics& metrics) {
    if (watch_) {
        report_.add(metrics, *watch_, ports_.time->now());
    }
    report_.forget_others(metrics);
}

}  // namespace rop::loop
