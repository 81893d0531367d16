easelfs_unit(request_limit mount tree job net api store conf base)
easelfs_unit(watch mount tree job net api store conf base)
easelfs_unit(handed mount tree job net api store conf base)
