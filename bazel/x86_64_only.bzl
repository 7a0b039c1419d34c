"""What makes no sense for arm64: `bazel build --config=arm64 //...` leaves it out, and whatever needs it."""

# For `target_compatible_with`.
X86_64_ONLY = select({
    "//bazel/arm64:is_arm64": ["//bazel/arm64:left_out"],
    "//conditions:default": [],
})
