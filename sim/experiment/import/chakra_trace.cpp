#include "sim/experiment/import/chakra_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "sim/core/document.hpp"
#include "sim/experiment/import/protobuf_fields.hpp"

namespace paceline {
namespace {

using Field = ProtobufField;
using Fields = std::vector<ProtobufField>;
using Wire = ProtobufField::Wire;
using Type = ChakraNode::Type;
using Collective = ChakraNode::Collective;

constexpr std::size_t largest_trace = std::size_t{4} << 30;

enum class Schema { current, proto2, flat };

const std::map<std::int64_t, Collective> collectives_of[] = {
    {{0, Collective::all_reduce},
     {1, Collective::reduce},
     {2, Collective::all_gather},
     {3, Collective::gather},
     {4, Collective::scatter},
     {5, Collective::broadcast},
     {6, Collective::all_to_all},
     {7, Collective::reduce_scatter},
     {8, Collective::reduce_scatter},  // with equal blocks
     {9, Collective::barrier}},
    {{0, Collective::all_reduce},
     {1, Collective::all_to_all},
     {2, Collective::all_gather},
     {3, Collective::reduce_scatter},
     {4, Collective::broadcast}},
    {{1, Collective::all_reduce},
     {2, Collective::all_to_all},
     {3, Collective::all_gather},
     {4, Collective::reduce_scatter}},
};

const Field* find(const Fields& fields, std::uint64_t number, Wire wire) {
  for (const Field& field : fields)
    if (field.number == number && field.wire == wire) return &field;
  return nullptr;
}
std::uint64_t value(const Fields& fields, std::uint64_t number) {
  const Field* field = find(fields, number, Wire::varint);
  return field ? field->value : 0;
}
std::string text(const Fields& fields, std::uint64_t number) {
  const Field* field = find(fields, number, Wire::bytes);
  return field ? std::string(field->text) : "";
}

// A repeated number, packed or not.
void append_numbers(const Field& field, std::vector<std::uint64_t>& numbers) {
  if (field.wire == Wire::varint) return numbers.push_back(field.value);
  for (std::string_view rest = field.text; !rest.empty();) numbers.push_back(take_varint(rest));
}

// Whether it can be an attribute: these begin with a name, those of proto2 have a type, too.
bool is_attribute(std::string_view bytes, Schema schema) {
  try {
    const Fields fields = protobuf_fields(bytes);
    return find(fields, 1, Wire::bytes) && (schema == Schema::current || find(fields, 2, Wire::varint));
  } catch (const ProtobufError&) { return false; }
}

Schema schema_of(const std::vector<Fields>& nodes, bool metadata) {
  const auto any = [&](std::uint64_t number, Schema schema) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const Fields& node) {
      const Field* field = find(node, number, Wire::bytes);
      return field && is_attribute(field->text, schema);
    });
  };
  if (any(11, Schema::proto2)) return Schema::proto2;
  if (any(10, Schema::current) || metadata) return Schema::current;
  return Schema::flat;
}

std::int64_t zigzag(std::uint64_t value) { return std::int64_t(value >> 1) ^ -std::int64_t(value & 1); }

// Its value is in a field of its own for each type.
void read_attribute(const Fields& fields, Schema schema, ChakraNode& node) {
  const std::string name = text(fields, 1);
  for (const Field& field : fields) {
    const std::uint64_t kind = field.number;
    if (schema == Schema::proto2) {
      if (kind == 5) node.numbers[name] = field.real();
      else if (kind == 4 || kind == 6) node.numbers[name] = double(field.value);
      else if (kind == 7) node.numbers[name] = double(std::int64_t(field.value));
      else if (kind == 8) node.texts[name] = std::string(field.text);
      else if (kind == 9 && name == "involved_dim") {
        std::vector<std::uint64_t> all;
        append_numbers(field, all);
        for (const std::uint64_t each : all) node.involved.push_back(each != 0);
      }
    } else if (kind == 3 || kind == 5) {
      node.numbers[name] = field.real();
    } else if (kind == 7 || kind == 9 || kind == 25) {
      node.numbers[name] = double(std::int64_t(field.value));
    } else if (kind == 11 || kind == 13 || kind == 19 || kind == 21 || kind == 27) {
      node.numbers[name] = double(field.value);
    } else if (kind == 15 || kind == 17) {
      node.numbers[name] = double(zigzag(field.value));
    } else if (kind == 23) {
      node.numbers[name] = double(std::int32_t(field.value));
    } else if (kind == 29 || kind == 31) {
      node.texts[name] = std::string(field.text);
    } else if (kind == 28 && name == "involved_dim") {
      std::vector<std::uint64_t> all;
      for (const Field& inner : protobuf_fields(field.text)) append_numbers(inner, all);
      for (const std::uint64_t each : all) node.involved.push_back(each != 0);
    }
  }
}

Type type_of(std::uint64_t number, Schema schema) {
  constexpr Type types[] = {Type::invalid, Type::metadata, Type::memory_load, Type::memory_store,
                            Type::compute, Type::send,     Type::receive,     Type::collective,
                            Type::storage, Type::batch,    Type::checkpoint};
  constexpr Type flat[] = {Type::invalid, Type::memory_load, Type::memory_load, Type::memory_store};
  if (schema == Schema::flat && number < std::size(flat)) return flat[number];
  if (number >= std::size(types)) throw ProtobufError(fmt::format("has the type {}, which no schema knows", number));
  return types[number];
}

ChakraNode read_node(const Fields& fields, Schema schema) {
  ChakraNode node;
  node.id = value(fields, 1);
  node.name = text(fields, 2);
  node.type = type_of(value(fields, 3), schema);
  for (const Field& field : fields)
    if (field.number == 4 || (field.number == 5 && schema == Schema::current)) append_numbers(field, node.after);
  std::sort(node.after.begin(), node.after.end());
  node.after.erase(std::unique(node.after.begin(), node.after.end()), node.after.end());
  if (schema == Schema::flat) {
    node.micros = double(value(fields, 7)) / 1000;
    const std::pair<std::uint64_t, const char*> attributes[] = {
        {6, "tensor_size"}, {12, "num_ops"},  {13, "comm_type"}, {15, "communicator_id"},
        {16, "comm_src"},   {17, "comm_dst"}, {18, "comm_size"}, {19, "comm_tag"}};
    for (const auto& [number, name] : attributes)
      if (const Field* field = find(fields, number, Wire::varint)) node.numbers[name] = double(field->value);
    std::vector<std::uint64_t> involved;
    for (const Field& field : fields)
      if (field.number == 14) append_numbers(field, involved);
    for (const std::uint64_t each : involved) node.involved.push_back(each != 0);
    return node;
  }
  const std::uint64_t attribute = schema == Schema::current ? 10 : 11;
  for (const Field& field : fields)
    if (field.number == attribute && field.wire == Wire::bytes)
      read_attribute(protobuf_fields(field.text), schema, node);
  if (schema == Schema::current) {
    node.micros = double(value(fields, 7));
    if (const Field* inputs = find(fields, 8, Wire::bytes)) node.inputs = text(protobuf_fields(inputs->text), 1);
  } else {
    node.micros = node.number("runtime").value_or(0);
    node.inputs = text(fields, 5);
  }
  if (!(node.micros >= 0 && node.micros <= 0x1p53)) throw ProtobufError(fmt::format("takes {} us", node.micros));
  return node;
}

std::string schema_named(const Fields& metadata) {
  for (const Field& field : metadata) {
    if (field.wire != Wire::bytes) continue;
    if (!is_attribute(field.text, Schema::current)) return std::string(field.text);
    const Fields attribute = protobuf_fields(field.text);
    if (text(attribute, 1) == "schema" || text(attribute, 1) == "version") return text(attribute, 29);
  }
  return "";
}

}  // namespace

ChakraTrace read_chakra(const std::string& path) {
  const std::string all = read_file(path, largest_trace);
  if (all.empty()) throw ConfigError(path + ": is empty");
  if (all.starts_with("\x1f\x8b")) throw ConfigError(path + ": is compressed (gzip): unpack it first");
  if (all.find_first_not_of(" \t\r\n") < all.size() && all[all.find_first_not_of(" \t\r\n")] == '{')
    throw ConfigError(path + ": is JSON: Chakra's traces are protobuf (.et), which its converters write");
  std::vector<Fields> messages;
  for (std::string_view rest = all; !rest.empty();) {
    const std::size_t at = all.size() - rest.size();
    try {
      messages.push_back(protobuf_fields(take_bytes(rest, take_varint(rest))));
    } catch (const ProtobufError& error) {
      throw ConfigError(fmt::format("{}: is no Chakra trace, or damaged: the message at byte {}, after {} others, {}",
                                    path, at, messages.size(), error.what()));
    }
  }
  const auto is_node = [](const Fields& fields) {
    return find(fields, 1, Wire::varint) || find(fields, 3, Wire::varint);
  };
  const bool metadata = !is_node(messages.front());
  const std::string named = metadata ? schema_named(messages.front()) : "";
  if (metadata) messages.erase(messages.begin());
  const Schema schema = schema_of(messages, metadata);
  ChakraTrace trace;
  trace.schema = !named.empty()             ? named
                 : schema == Schema::flat   ? "of before 2023"
                 : schema == Schema::proto2 ? "of 2023"
                                            : "current";
  trace.collectives = collectives_of[std::size_t(schema)];
  for (const Fields& fields : messages) {
    try {
      trace.nodes.push_back(read_node(fields, schema));
    } catch (const ProtobufError& error) {
      throw ConfigError(fmt::format("{}: node {} {}", path, value(fields, 1), error.what()));
    }
  }
  if (trace.nodes.empty()) throw ConfigError(path + ": has no nodes");
  return trace;
}

}  // namespace paceline
