// Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 28×28 grey, ten classes (Xiao, Rasul, Vollgraf 2017,
// arXiv:1708.07747).
#include "models/data/idx_images.hpp"

namespace paceline::datasets {

DatasetMaker fashion_mnist(Reader& in) {
  in.about("Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images of 28×28 in ten classes.");
  const std::string given =
      in.data_path("path", "folder of the four IDX files, plain or .gz; by default Debian's dataset-fashion-mnist");
  return idx_images(in, "Fashion-MNIST", given.empty() ? "/usr/share/datasets/fashion-mnist" : given,
                    "apt-get install dataset-fashion-mnist, or give workload.dataset.path");
}

}  // namespace paceline::datasets
