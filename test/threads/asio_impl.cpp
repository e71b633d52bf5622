// Asio, as operator/net/impl/boost_impl.cpp compiles it, for ThreadSanitizer.
#include <boost/asio/impl/src.hpp>
