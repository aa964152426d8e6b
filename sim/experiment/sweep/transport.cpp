#include "sim/experiment/sweep/transport.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

// What Open MPI, MPICH and Slurm say to the processes that they start.
int processes_started_together() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"})
    if (const char* size = std::getenv(name)) return std::atoi(size);
  if (std::getenv("PMIX_RANK") && std::getenv("SLURM_NTASKS")) return std::atoi(std::getenv("SLURM_NTASKS"));
  return 1;
}

}  // namespace

std::unique_ptr<Transport> mpi_transport() {
  const int size = processes_started_together();
  if (size <= 1) return nullptr;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string library = (program.parent_path() / "paceline_mpi.so").string();
  void* const loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!loaded)
    throw RunError(
        fmt::format("{} processes were started together, but this program was built without Boost.MPI ({}). "
                    "Install it and build anew, or start them one by one: processes share the runs of a store",
                    size, dlerror()));
  const auto make = reinterpret_cast<Transport* (*)()>(dlsym(loaded, "paceline_mpi_transport"));
  if (!make) throw RunError(library + " is of another version");
  return std::unique_ptr<Transport>(make());
}

}  // namespace paceline
