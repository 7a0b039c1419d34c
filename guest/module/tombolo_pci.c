// SPDX-License-Identifier: GPL-2.0
/*
 * Finds ivshmem-doorbell and ivshmem v2 devices and makes /dev/tomboloN of each: N counts devices,
 * lowest free number first.
 */
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "tombolo.h"

#define TOMBOLO_REGISTERS_BAR 0
#define TOMBOLO_IV_POSITION 8 /* Register. */

static dev_t tombolo_numbers;
static struct class *tombolo_class;
static DEFINE_IDA(tombolo_minors);

static void tombolo_device_release(struct device *dev)
{
	struct tombolo_device *device = container_of(dev, struct tombolo_device, dev);

	if (device->inode)
		iput(device->inode);
	ida_free(&tombolo_minors, MINOR(dev->devt));
	kfree(device->vector);
	kfree(device);
}

/* What it returns is given back by put_device(). */
static struct tombolo_device *tombolo_device_make(struct pci_dev *pdev)
{
	struct tombolo_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int minor;

	if (!device)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&tombolo_minors, TOMBOLO_MOST_DEVICES - 1, GFP_KERNEL);
	if (minor < 0) {
		kfree(device);
		return ERR_PTR(minor);
	}
	init_rwsem(&device->alive);
	mutex_init(&device->inode_lock);
	mutex_init(&device->v2.lock);
	device->pdev = pdev;
	device_initialize(&device->dev);
	device->dev.class = tombolo_class;
	device->dev.parent = &pdev->dev;
	device->dev.devt = MKDEV(MAJOR(tombolo_numbers), minor);
	device->dev.release = tombolo_device_release;
	cdev_init(&device->cdev, &tombolo_file_operations);
	device->cdev.owner = THIS_MODULE;
	if (dev_set_name(&device->dev, "tombolo%d", minor)) {
		put_device(&device->dev);
		return ERR_PTR(-ENOMEM);
	}
	return device;
}

/* What it has begun when it fails, tombolo_probe() and the PCI core undo. */
static int tombolo_start(struct tombolo_device *device)
{
	struct pci_dev *pdev = device->pdev;
	int error = pcim_enable_device(pdev);

	if (error)
		return error;
	error = pci_request_regions(pdev, KBUILD_MODNAME); /* Managed, as the device is. */
	if (error)
		return error;
	device->registers = pcim_iomap(pdev, TOMBOLO_REGISTERS_BAR, 0);
	if (!device->registers)
		return -ENOMEM;
	device->memory_bytes = pci_resource_len(pdev, TOMBOLO_MEMORY_BAR);
	if (!device->memory_bytes) {
		dev_err(&pdev->dev, "no shared memory (BAR2): is its server running?\n");
		return -ENODEV;
	}
	if (tombolo_is_v2(pdev))
		error = tombolo_v2_start(device);
	else
		device->slot = ioread32(device->registers + TOMBOLO_IV_POSITION);
	if (error)
		return error;
	pci_set_master(pdev); /* Or no MSI-X message leaves the device. */
	error = tombolo_memory_start(device);
	if (error)
		return error;
	error = tombolo_irq_start(device);
	if (error)
		tombolo_memory_stop(device);
	else
		tombolo_v2_enable(device);
	return error;
}

static int tombolo_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct tombolo_device *device;
	int error;

	/*
	 * An ivshmem-plain is memory alone, such as the window of a cache, and a v2 device of
	 * another protocol a network or virtio: not ours, and no error.
	 */
	if (!pdev->msix_cap || (tombolo_is_v2(pdev) && !tombolo_v2_is_ours(pdev)))
		return -ENODEV;
	device = tombolo_device_make(pdev);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = tombolo_start(device);
	if (error)
		goto put;
	error = cdev_device_add(&device->cdev, &device->dev);
	if (error)
		goto stop;
	pci_set_drvdata(pdev, device);
	dev_info(&pdev->dev, "%s: %s %u, %u vectors, %llu bytes\n", dev_name(&device->dev),
		 device->v2.peers ? "peer" : "slot", device->slot, device->vectors,
		 device->memory_bytes);
	return 0;
stop:
	tombolo_v2_stop(device);
	tombolo_irq_stop(device);
	tombolo_memory_stop(device);
put:
	put_device(&device->dev);
	return error;
}

/* Files that are open stay so; all that they give is ENODEV, and their mappings SIGBUS. */
static void tombolo_remove(struct pci_dev *pdev)
{
	struct tombolo_device *device = pci_get_drvdata(pdev);

	cdev_device_del(&device->cdev, &device->dev);
	down_write(&device->alive);
	device->gone = true;
	up_write(&device->alive);
	tombolo_v2_stop(device);
	tombolo_memory_stop(device);
	tombolo_irq_stop(device);
	put_device(&device->dev);
}

static const struct pci_device_id tombolo_ids[] = {
	{ PCI_DEVICE(0x1af4, 0x1110) },
	{ PCI_DEVICE(TOMBOLO_V2_VENDOR, TOMBOLO_V2_DEVICE) },
	{},
};
MODULE_DEVICE_TABLE(pci, tombolo_ids);

static struct pci_driver tombolo_driver = {
	.name = KBUILD_MODNAME,
	.id_table = tombolo_ids,
	.probe = tombolo_probe,
	.remove = tombolo_remove,
};

static int __init tombolo_init(void)
{
	int error = alloc_chrdev_region(&tombolo_numbers, 0, TOMBOLO_MOST_DEVICES, KBUILD_MODNAME);

	if (error)
		return error;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	tombolo_class = class_create(KBUILD_MODNAME);
#else
	tombolo_class = class_create(THIS_MODULE, KBUILD_MODNAME);
#endif
	if (IS_ERR(tombolo_class)) {
		error = PTR_ERR(tombolo_class);
		goto numbers;
	}
	error = pci_register_driver(&tombolo_driver);
	if (!error)
		return 0;
	class_destroy(tombolo_class);
numbers:
	unregister_chrdev_region(tombolo_numbers, TOMBOLO_MOST_DEVICES);
	return error;
}

static void __exit tombolo_exit(void)
{
	pci_unregister_driver(&tombolo_driver);
	class_destroy(tombolo_class);
	unregister_chrdev_region(tombolo_numbers, TOMBOLO_MOST_DEVICES);
	ida_destroy(&tombolo_minors);
}

module_init(tombolo_init);
module_exit(tombolo_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shared memory and doorbells of ivshmem devices, for Tombolo");
