// Preloaded into a program (LD_PRELOAD): one of its calls that read or write does half of what was
// asked, or fails, once. Only calls out of the program itself count: the shared libraries that it
// uses, such as gRPC's, call as they like.
//
//   TOMBOLO_FAULT=CALL:HOW:N:MARK    CALL: a function below; HOW: short or EAGAIN; N: from 1, of
//                                    each process; MARK: a file that is made when it happens, and
//                                    while it exists nothing happens again
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kWordBytes = 16, kPathBytes = 256 };

static char wanted_call[kWordBytes];
static char wanted_how[kWordBytes];
static long wanted_count;
static char mark[kPathBytes];
static atomic_long calls;
static uintptr_t program_begin;
static uintptr_t program_end;

// The first object is the program.
static int FindProgram(struct dl_phdr_info* object, size_t size, void* unused) {
  (void)size;
  (void)unused;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)* part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
    program_begin = object->dlpi_addr + part->p_vaddr;
    program_end = program_begin + part->p_memsz;
  }
  return 1;
}

__attribute__((constructor)) static void ReadWishes(void) {
  const char* wishes = getenv("TOMBOLO_FAULT");
  dl_iterate_phdr(FindProgram, NULL);
  if (wishes != NULL && sscanf(wishes, "%15[^:]:%15[^:]:%ld:%255s", wanted_call, wanted_how,
                               &wanted_count, mark) == 4) {
    return;
  }
  fprintf(stderr, "error: TOMBOLO_FAULT is no CALL:HOW:N:MARK\n");
  _exit(1);
}

static bool IsDue(const char* call, const void* caller) {
  const uintptr_t from = (uintptr_t)caller;
  if (strcmp(call, wanted_call) != 0 || from < program_begin || from >= program_end) return false;
  // Relaxed: a count, on whose account nothing is read.
  if (atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1 != wanted_count) return false;
  const int made = open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (made < 0) return false;
  close(made);
  return true;
}

// Whether the call that is due fails; `*size` is how much of it is to be done if not.
static bool Fails(const char* call, const void* caller, size_t* size) {
  if (!IsDue(call, caller)) return false;
  if (strcmp(wanted_how, "short") != 0) {
    errno = EAGAIN;
    return true;
  }
  if (*size > 1) *size /= 2;
  return false;
}

// Each of what follows is known to the linker by the name of the call that it stands for.
static void* Real(const char* call) { return dlsym(RTLD_NEXT, call); }

ssize_t ReadLess(int fd, void* bytes, size_t size) __asm__("read");
ssize_t ReadLess(int fd, void* bytes, size_t size) {
  if (Fails("read", __builtin_return_address(0), &size)) return -1;
  return ((__typeof__(&read))Real("read"))(fd, bytes, size);
}

ssize_t WriteLess(int fd, const void* bytes, size_t size) __asm__("write");
ssize_t WriteLess(int fd, const void* bytes, size_t size) {
  if (Fails("write", __builtin_return_address(0), &size)) return -1;
  return ((__typeof__(&write))Real("write"))(fd, bytes, size);
}

ssize_t RecvLess(int fd, void* bytes, size_t size, int flags) __asm__("recv");
ssize_t RecvLess(int fd, void* bytes, size_t size, int flags) {
  if (Fails("recv", __builtin_return_address(0), &size)) return -1;
  return ((__typeof__(&recv))Real("recv"))(fd, bytes, size, flags);
}

ssize_t SendLess(int fd, const void* bytes, size_t size, int flags) __asm__("send");
ssize_t SendLess(int fd, const void* bytes, size_t size, int flags) {
  if (Fails("send", __builtin_return_address(0), &size)) return -1;
  return ((__typeof__(&send))Real("send"))(fd, bytes, size, flags);
}

// Our messages have one part each.
ssize_t RecvMsgLess(int fd, struct msghdr* message, int flags) __asm__("recvmsg");
ssize_t RecvMsgLess(int fd, struct msghdr* message, int flags) {
  struct iovec* const all = message->msg_iov;
  struct iovec part = all[0];
  if (Fails("recvmsg", __builtin_return_address(0), &part.iov_len)) return -1;
  if (part.iov_len != all[0].iov_len) message->msg_iov = &part;
  const ssize_t result = ((__typeof__(&recvmsg))Real("recvmsg"))(fd, message, flags);
  message->msg_iov = all;
  return result;
}

ssize_t SendMsgLess(int fd, const struct msghdr* message, int flags) __asm__("sendmsg");
ssize_t SendMsgLess(int fd, const struct msghdr* message, int flags) {
  struct msghdr less = *message;
  struct iovec part = message->msg_iov[0];
  if (Fails("sendmsg", __builtin_return_address(0), &part.iov_len)) return -1;
  if (part.iov_len != message->msg_iov[0].iov_len) less.msg_iov = &part;
  return ((__typeof__(&sendmsg))Real("sendmsg"))(fd, &less, flags);
}
