"""A C++ library of the messages and gRPC services of one .proto file."""

def cc_grpc_library(name, src, imports = [], deps = [], **kwargs):
    """Generates and compiles `src` with the system's protoc and gRPC plugin.

    Args:
      name: of the resulting cc_library.
      src: one .proto file of this package; imports are relative to the workspace root.
      imports: the .proto files of ours that it imports.
      deps: cc_grpc_library targets of the imported files.
      **kwargs: passed to cc_library.
    """
    stem = src[:-len(".proto")]
    sources = [stem + ".pb.cc", stem + ".grpc.pb.cc"]
    headers = [stem + ".pb.h", stem + ".grpc.pb.h"]
    native.genrule(
        name = name + "_generate",
        srcs = [src] + imports,
        outs = sources + headers,
        cmd = "protoc -I. --cpp_out=$(GENDIR) --grpc_out=$(GENDIR) " +
              "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin $(location %s)" % src,
    )
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = ["-w"],  # Generated code is not held to our warnings.
        deps = deps + ["@grpc"],
        **kwargs
    )
