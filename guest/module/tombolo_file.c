// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with an open /dev/tomboloN: tombolo_uapi.h.
 *
 * Nothing is copied from or to a process while a lock is held: the process may give an address
 * within the shared memory, whose fault takes device->alive itself.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tombolo.h"

#define TOMBOLO_DOORBELL 12 /* Register. */

static struct tombolo_file *tombolo_file_make(struct tombolo_device *device)
{
	struct tombolo_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return NULL;
	file->listener = kcalloc(device->vectors, sizeof(*file->listener), GFP_KERNEL);
	if (!file->listener) {
		kfree(file);
		return NULL;
	}
	file->device = device;
	mutex_init(&file->lock);
	file->mapping = TOMBOLO_MAP_CACHED;
	file->rights.window_bytes = device->memory_bytes;
	/* Of an ivshmem-doorbell it is not known how many there are. */
	file->rights.last_slot = device->v2.peers ? device->v2.peers - 1 : U16_MAX;
	file->rights.last_vector = (device->v2.peers ? device->vectors : TOMBOLO_MOST_VECTORS) - 1;
	return file;
}

/* Device nodes of one device may be several inodes; all files share the mapping of the first. */
static void tombolo_share_mapping(struct tombolo_device *device, struct inode *inode,
				  struct file *opened)
{
	mutex_lock(&device->inode_lock);
	if (!device->inode) {
		ihold(inode);
		device->inode = inode;
	}
	mutex_unlock(&device->inode_lock);
	opened->f_mapping = device->inode->i_mapping;
}

static int tombolo_open(struct inode *inode, struct file *opened)
{
	struct tombolo_device *device = container_of(inode->i_cdev, struct tombolo_device, cdev);
	struct tombolo_file *file;
	int error = -ENODEV;

	down_read(&device->alive);
	if (!device->gone) {
		file = tombolo_file_make(device);
		error = file ? 0 : -ENOMEM;
	}
	if (!error) {
		tombolo_share_mapping(device, inode, opened);
		get_device(&device->dev);
		opened->private_data = file;
	}
	up_read(&device->alive);
	return error ? error : nonseekable_open(inode, opened);
}

static int tombolo_release(struct inode *inode, struct file *opened)
{
	struct tombolo_file *file = opened->private_data;
	struct tombolo_device *device = file->device;

	tombolo_v2_end(file);
	tombolo_listen_end(file);
	kfree(file->listener);
	kfree(file);
	put_device(&device->dev);
	return 0;
}

static long tombolo_get_info(struct tombolo_file *file, void __user *to)
{
	struct tombolo_info info = {
		.abi_version = TOMBOLO_ABI_VERSION,
		.slot = file->device->slot,
		.vectors = file->device->vectors,
		.memory_bytes = file->device->memory_bytes,
	};

	mutex_lock(&file->lock);
	info.mapping = file->mapping;
	info.window_offset = file->rights.window_offset;
	info.window_bytes = file->rights.window_bytes;
	mutex_unlock(&file->lock);
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long tombolo_get_sections(const struct tombolo_device *device, void __user *to)
{
	struct tombolo_sections sections;

	tombolo_v2_get_sections(device, &sections);
	return copy_to_user(to, &sections, sizeof(sections)) ? -EFAULT : 0;
}

static bool tombolo_within(const struct tombolo_rights *inner, const struct tombolo_rights *outer)
{
	return inner->window_offset >= outer->window_offset &&
	       inner->window_offset - outer->window_offset <= outer->window_bytes &&
	       inner->window_bytes <=
		       outer->window_bytes - (inner->window_offset - outer->window_offset) &&
	       inner->first_slot >= outer->first_slot && inner->last_slot <= outer->last_slot &&
	       inner->first_vector >= outer->first_vector &&
	       inner->last_vector <= outer->last_vector &&
	       (inner->flags & outer->flags) == outer->flags;
}

/* Under file->lock. */
static long tombolo_restrict(struct tombolo_file *file, const struct tombolo_rights *wanted)
{
	if (wanted->reserved || wanted->flags & ~(TOMBOLO_READ_ONLY | TOMBOLO_SEALED) ||
	    !PAGE_ALIGNED(wanted->window_offset) || !PAGE_ALIGNED(wanted->window_bytes))
		return -EINVAL;
	if (file->rights.flags & TOMBOLO_SEALED || !tombolo_within(wanted, &file->rights))
		return -EPERM;
	file->rights = *wanted;
	return 0;
}

/* Under file->lock. */
static long tombolo_set_mapping(struct tombolo_file *file, unsigned long mapping)
{
	if (mapping > TOMBOLO_MAP_UNCACHED)
		return -EINVAL;
	if (file->rights.flags & TOMBOLO_SEALED)
		return -EPERM;
	file->mapping = mapping;
	return 0;
}

/*
 * Under device->alive. The rights are read without file->lock: rings are frequent, and whoever
 * rings while another thread narrows the rights comes before or after that.
 */
static long tombolo_ring(struct tombolo_file *file, unsigned long doorbell)
{
	const struct tombolo_rights *rights = &file->rights;
	const u16 slot = doorbell >> 16;
	const u16 vector = doorbell;

	if (doorbell > U32_MAX)
		return -EINVAL;
	if (slot < READ_ONCE(rights->first_slot) || slot > READ_ONCE(rights->last_slot) ||
	    vector < READ_ONCE(rights->first_vector) || vector > READ_ONCE(rights->last_vector))
		return -EPERM;
	wmb(); /* Also for what was stored through a mapping that is not cached. */
	iowrite32(doorbell, file->device->registers + TOMBOLO_DOORBELL);
	return 0;
}

/* All that are about this file only, and copy nothing while they hold its lock. */
static long tombolo_change(struct tombolo_file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_eventfd eventfd;
	struct tombolo_rights rights;
	long result = -ENOTTY;

	if (command == TOMBOLO_SET_EVENTFD &&
	    copy_from_user(&eventfd, (void __user *)argument, sizeof(eventfd)))
		return -EFAULT;
	if (command == TOMBOLO_RESTRICT &&
	    copy_from_user(&rights, (void __user *)argument, sizeof(rights)))
		return -EFAULT;
	mutex_lock(&file->lock);
	if (command == TOMBOLO_SET_EVENTFD)
		result = tombolo_listen(file, &eventfd);
	else if (command == TOMBOLO_RESTRICT)
		result = tombolo_restrict(file, &rights);
	else if (command == TOMBOLO_SET_MAPPING)
		result = tombolo_set_mapping(file, argument);
	mutex_unlock(&file->lock);
	return result;
}

/* What is asked of the hardware; under device->alive. */
static long tombolo_use(struct tombolo_file *file, unsigned int command, unsigned long argument)
{
	switch (command) {
	case TOMBOLO_RING:
		return tombolo_ring(file, argument);
	case TOMBOLO_SET_STATE:
		return tombolo_v2_set_state(file, argument);
	case TOMBOLO_GET_SECTIONS:
		return tombolo_v2_is_served(file->device);
	default:
		return 0;
	}
}

static long tombolo_ioctl(struct file *opened, unsigned int command, unsigned long argument)
{
	struct tombolo_file *file = opened->private_data;
	struct tombolo_device *device = file->device;
	long result;

	down_read(&device->alive);
	result = device->gone ? -ENODEV : tombolo_use(file, command, argument);
	up_read(&device->alive);
	if (result || command == TOMBOLO_RING || command == TOMBOLO_SET_STATE)
		return result;
	if (command == TOMBOLO_GET_INFO)
		return tombolo_get_info(file, (void __user *)argument);
	if (command == TOMBOLO_GET_SECTIONS)
		return tombolo_get_sections(device, (void __user *)argument);
	return tombolo_change(file, command, argument);
}

static int tombolo_mmap(struct file *opened, struct vm_area_struct *vma)
{
	struct tombolo_file *file = opened->private_data;
	int error;

	mutex_lock(&file->lock);
	error = tombolo_memory_map(file, vma);
	mutex_unlock(&file->lock);
	return error;
}

const struct file_operations tombolo_file_operations = {
	.owner = THIS_MODULE,
	.open = tombolo_open,
	.release = tombolo_release,
	.unlocked_ioctl = tombolo_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = tombolo_mmap,
};
