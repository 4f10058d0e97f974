#include "emulator.h"

#include <dlfcn.h>
#include <stdexcept>

namespace hls4mlEmulator {

ModelLoader::ModelLoader(const std::string &model_name) : model_name_(model_name) {}

ModelLoader::~ModelLoader() { reset(); }

void ModelLoader::reset(const std::string &model_name) {
    if (library_ != nullptr)
        dlclose(library_);
    library_ = nullptr;
    model_name_ = model_name;
}

void *ModelLoader::symbol(const char *name) const {
    if (void *found = dlsym(library_, name))
        return found;
    throw std::runtime_error(model_name_ + ".so has no function " + name);
}

std::shared_ptr<Model> ModelLoader::load_model() {
    if (library_ == nullptr)
        library_ = dlopen((model_name_ + ".so").c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (library_ == nullptr)
        throw std::runtime_error(dlerror());
    auto create = reinterpret_cast<Model *(*)()>(symbol("create_model"));
    auto destroy = reinterpret_cast<void (*)(Model *)>(symbol("destroy_model"));
    return {create(), destroy};
}

} // namespace hls4mlEmulator
