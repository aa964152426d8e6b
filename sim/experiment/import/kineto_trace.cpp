#include "sim/experiment/import/kineto_trace.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "sim/core/document.hpp"

namespace paceline {
namespace {

using Json = nlohmann::json;

// A plain file is read as it is.
std::string unpacked(const std::string& path) {
  if (const std::string fault = file_fault(path); !fault.empty()) throw ConfigError(path + ": " + fault);
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw ConfigError(path + ": cannot be read");
  std::string text;
  std::vector<char> block(1 << 20);
  int n = 0;
  while ((n = gzread(file, block.data(), unsigned(block.size()))) > 0) text.append(block.data(), std::size_t(n));
  const bool whole = gzclose(file) == Z_OK && n == 0;
  if (!whole) throw ConfigError(path + ": is cut off or damaged (gzip)");
  return text;
}

std::string lower(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// A number, also one written as text; NaN: none.
double number_of(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end()) return NAN;
  if (found->is_number()) return found->get<double>();
  if (!found->is_string()) return NAN;
  const std::string& text = found->get_ref<const std::string&>();
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0' ? value : NAN;
}

std::int64_t integer_of(const Json& object, std::string_view key, std::int64_t otherwise) {
  const double value = number_of(object, key);
  return std::isfinite(value) && std::abs(value) < 9e15 ? std::int64_t(value) : otherwise;
}

std::string text_of(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// "all_reduce", "AllReduce" and "_allreduce_base" are all "allreduce".
std::string collective_in(const std::string& name) {
  std::string plain;
  for (const char c : lower(name))
    if (c != '_') plain += c;
  for (const char* each : {"allreduce", "reducescatter", "allgather", "alltoall", "broadcast", "sendrecv", "reduce"})
    if (plain.find(each) != plain.npos) return each;
  return "";
}

int width_in(const std::string& type) {
  static const std::map<std::string, int> widths{
      {"float", 4},     {"float32", 4},  {"f32", 4},          {"int", 4},      {"int32", 4},         {"double", 8},
      {"float64", 8},   {"f64", 8},      {"long", 8},         {"int64", 8},    {"half", 2},          {"float16", 2},
      {"c10::half", 2}, {"f16", 2},      {"bf16", 2},         {"bfloat16", 2}, {"c10::bfloat16", 2}, {"short", 2},
      {"byte", 1},      {"char", 1},     {"int8", 1},         {"uint8", 1},    {"bool", 1},          {"u8", 1},
      {"i8", 1},        {"long int", 8}, {"unsigned char", 1}};
  const auto found = widths.find(lower(type));
  return found == widths.end() ? 0 : found->second;
}

// In "ncclDevKernel_AllReduce_Sum_f32_RING_LL(...)" and "ncclKernel_AllReduce_RING_LL_Sum_float(...)".
int width_in_kernel_name(const std::string& name) {
  const std::string plain = name.substr(0, name.find('('));
  for (std::size_t at = 0; at <= plain.size();) {
    const std::size_t end = std::min(plain.find('_', at), plain.size());
    if (const int width = width_in(plain.substr(at, end - at))) return width;
    at = end + 1;
  }
  return 0;
}

// Elements of lists of shapes: [[2, 3], [4]] has 10, [] none. A scalar's shape is [].
double elements_of(const Json& shapes) {
  double sum = 0;
  for (const Json& shape : shapes) {
    if (!shape.is_array() || shape.empty()) continue;
    if (shape[0].is_array()) {
      sum += elements_of(shape);
      continue;
    }
    double product = 1;
    for (const Json& extent : shape) product *= extent.is_number() ? extent.get<double>() : 0;
    sum += product;
  }
  return sum;
}

// What the arguments of a kernel or of an operator say of a collective; what is known is left as it is.
void tell(KinetoKernel& kernel, const Json& arguments) {
  if (kernel.collective == "?")
    if (const std::string name = collective_in(text_of(arguments, "Collective name")); !name.empty())
      kernel.collective = name;
  if (kernel.elements < 0) kernel.elements = integer_of(arguments, "In msg nelems", -1);
  if (!kernel.width) kernel.width = width_in(text_of(arguments, "dtype"));
  if (const auto shapes = arguments.find("Input Dims"); shapes != arguments.end() && shapes->is_array())
    if (const double sum = elements_of(*shapes); kernel.elements < 0 && sum > 0 && sum < 9e15)
      kernel.elements = std::int64_t(sum);
  if (const auto types = arguments.find("Input type"); types != arguments.end() && types->is_array())
    for (const Json& type : *types)
      if (!kernel.width && type.is_string()) kernel.width = width_in(type.get<std::string>());
}

bool is_backward(const std::string& name, bool by_engine) {
  constexpr std::string_view engine = "autograd::engine::evaluate_function";
  if (by_engine) return name.starts_with(engine);
  std::string base = name;
  while (!base.empty() && std::isdigit(static_cast<unsigned char>(base.back()))) base.pop_back();
  return base.ends_with("Backward") || base.ends_with("AccumulateGrad");
}

class KinetoEvents {
 public:
  explicit KinetoEvents(const std::string& path) : path_(path) {}

  KinetoTrace read() {
    const Json document = parsed();
    sort_into_kinds(document.is_array() ? document : document["traceEvents"]);
    if (kernels_.empty())
      throw ConfigError(path_ +
                        ": has no GPU kernels (events of category \"kernel\"): record with ProfilerActivity.CUDA");
    KinetoTrace trace;
    trace.steps = steps_.empty() ? device_steps_ : steps_;
    for (const bool by_engine : {true, false})
      if (trace.backward.empty())
        for (const Json* event : operators_)
          if (is_backward(text_of(*event, "name"), by_engine)) trace.backward.push_back(span_of(*event));
    const auto earlier = [](const auto& a, const auto& b) { return a.start < b.start; };
    std::stable_sort(trace.backward.begin(), trace.backward.end(), earlier);
    std::stable_sort(trace.steps.begin(), trace.steps.end(), earlier);
    for (const Json* event : kernels_) trace.kernels.push_back(kernel_of(*event));
    guess_launches(trace.kernels);
    if (document.is_object()) tell_of_machine(trace, document);
    return trace;
  }

 private:
  Json parsed() const {
    Json document;
    try {
      document = Json::parse(unpacked(path_));
    } catch (const Json::parse_error& error) {
      throw ConfigError(fmt::format("{}: is no JSON: at byte {}", path_, error.byte));
    } catch (const Json::out_of_range&) {
      throw ConfigError(fmt::format("{}: holds a number that is too large", path_));
    }
    if (!document.is_array() &&
        !(document.is_object() && document.contains("traceEvents") && document["traceEvents"].is_array()))
      throw ConfigError(path_ + ": has no list \"traceEvents\": not a trace of PyTorch's profiler");
    return document;
  }

  static KinetoSpan span_of(const Json& event) {
    const double start = number_of(event, "ts");
    return {text_of(event, "name"), start, start + number_of(event, "dur")};
  }

  static const Json& arguments_of(const Json& event) {
    static const Json none = Json::object();
    const auto found = event.find("args");
    return found != event.end() && found->is_object() ? *found : none;
  }

  static std::int64_t external_id(const Json& arguments) {
    return integer_of(arguments, arguments.contains("External id") ? "External id" : "external id", -1);
  }

  void sort_into_kinds(const Json& events) {
    std::size_t index = 0;
    for (const Json& event : events) {
      const std::size_t at = index++;
      if (!event.is_object() || text_of(event, "ph") != "X") continue;
      const std::string category = lower(text_of(event, "cat")), name = text_of(event, "name");
      const bool kernel = category == "kernel", step = name.starts_with("ProfilerStep");
      const bool launch = category.ends_with("_runtime") || category.ends_with("_driver") || category == "runtime";
      const bool on_processor = category == "cpu_op" || category == "operator" || category == "user_annotation";
      if (!kernel && !launch && !on_processor && !step) continue;
      const double start = number_of(event, "ts"), duration = number_of(event, "dur");
      if (!std::isfinite(start) || !(duration >= 0))
        throw ConfigError(
            fmt::format("{}: event {} (\"{}\"): \"ts\" and \"dur\" must be numbers of microseconds, dur "
                        "not below 0",
                        path_, at, name));
      const Json& arguments = arguments_of(event);
      if (kernel) kernels_.push_back(&event);
      if (launch)
        if (const std::int64_t id = integer_of(arguments, "correlation", -1); id >= 0) launches_.emplace(id, &event);
      if (step) (category.starts_with("gpu") ? device_steps_ : steps_).push_back(span_of(event));
      if (!on_processor || step) continue;
      operators_.push_back(&event);
      if (const std::int64_t id = external_id(arguments); id >= 0) by_id_[id].push_back(&event);
      if (name.starts_with("nccl:")) announced_.push_back(&event);
    }
  }

  KinetoKernel kernel_of(const Json& event) const {
    const Json& arguments = arguments_of(event);
    KinetoKernel kernel;
    kernel.name = text_of(event, "name");
    kernel.start = number_of(event, "ts");
    kernel.duration = number_of(event, "dur");
    kernel.device = integer_of(arguments, "device", integer_of(event, "pid", 0));
    kernel.stream = integer_of(arguments, "stream", integer_of(event, "tid", 0));
    const auto launch = launches_.find(integer_of(arguments, "correlation", -1));
    const Json* launcher = launch == launches_.end() ? nullptr : launch->second;
    if (launcher) {
      kernel.launch = number_of(*launcher, "ts");
      kernel.launch_known = true;
    }
    if (!lower(kernel.name).starts_with("nccl")) return kernel;
    kernel.collective = std::string(1, '?');
    tell(kernel, arguments);
    if (const auto found = by_id_.find(external_id(arguments)); found != by_id_.end())
      for (const Json* each : found->second) {
        tell(kernel, arguments_of(*each));
        name_after(kernel, text_of(*each, "name"));
      }
    name_after(kernel, kernel.name);
    if (launcher)
      for (const Json* each : announced_)
        if (const KinetoSpan span = span_of(*each); span.start <= kernel.launch && kernel.launch <= span.end &&
                                                    each->value("tid", Json()) == launcher->value("tid", Json())) {
          name_after(kernel, span.name);
          tell(kernel, arguments_of(*each));
        }
    if (!kernel.width) kernel.width = width_in_kernel_name(kernel.name);
    return kernel;
  }

  static void name_after(KinetoKernel& kernel, const std::string& name) {
    if (const std::string found = collective_in(name); kernel.collective == "?" && !found.empty())
      kernel.collective = found;
  }

  // A stream runs its kernels in the order in which they were launched: one whose launch is not in the trace was
  // launched no earlier than the one before it, and no later than the next.
  static void guess_launches(std::vector<KinetoKernel>& kernels) {
    std::stable_sort(kernels.begin(), kernels.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    std::map<std::pair<std::int64_t, std::int64_t>, double> before, after;
    for (KinetoKernel& kernel : kernels) {
      const auto stream = std::pair(kernel.device, kernel.stream);
      if (kernel.launch_known) before[stream] = kernel.launch;
      else kernel.launch = before.contains(stream) ? before[stream] : NAN;
    }
    for (auto kernel = kernels.rbegin(); kernel != kernels.rend(); ++kernel) {
      const auto stream = std::pair(kernel->device, kernel->stream);
      if (std::isnan(kernel->launch)) kernel->launch = after.contains(stream) ? after[stream] : kernel->start;
      after[stream] = kernel->launch;
    }
    std::stable_sort(kernels.begin(), kernels.end(), [](const auto& a, const auto& b) { return a.launch < b.launch; });
  }

  static void tell_of_machine(KinetoTrace& trace, const Json& document) {
    if (const auto found = document.find("deviceProperties");
        found != document.end() && found->is_array() && !found->empty() && found->front().is_object())
      trace.device = text_of(found->front(), "name");
    if (const auto found = document.find("distributedInfo"); found != document.end() && found->is_object()) {
      trace.rank = integer_of(*found, "rank", 0);
      trace.ranks = integer_of(*found, "world_size", 0);
    }
  }

  std::string path_;
  std::vector<const Json*> kernels_, operators_, announced_;
  std::unordered_map<std::int64_t, const Json*> launches_;            // by correlation
  std::unordered_map<std::int64_t, std::vector<const Json*>> by_id_;  // operators
  std::vector<KinetoSpan> steps_, device_steps_;
};

}  // namespace

KinetoTrace read_kineto(const std::string& path) { return KinetoEvents(path).read(); }

}  // namespace paceline
