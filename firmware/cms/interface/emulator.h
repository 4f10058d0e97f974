// Stand-in for the interface library of the CMS software, so that a model can be built and tested without it. Classes
// and functions have the names and the signatures of hls4mlEmulatorExtras; in CMS that library takes this one's place.
#ifndef HLS4ML_EMULATOR_H_
#define HLS4ML_EMULATOR_H_

#include <any>
#include <memory>
#include <string>

namespace hls4mlEmulator {

// One event at a time; std::any holds a pointer to the model's own types.
class Model {
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
};

// Opens the library <model_name>.so. Models must be gone before their loader is.
class ModelLoader {
  public:
    explicit ModelLoader(const std::string &model_name = "");
    ~ModelLoader();
    ModelLoader(const ModelLoader &) = delete;
    ModelLoader &operator=(const ModelLoader &) = delete;

    const std::string &model_name() const { return model_name_; }
    void reset(const std::string &model_name = "");
    std::shared_ptr<Model> load_model();

  private:
    void *symbol(const char *name) const;

    std::string model_name_;
    void *library_ = nullptr;
};

} // namespace hls4mlEmulator

#endif
