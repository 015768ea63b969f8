package als

// Catalogue is a list of operations.
type Catalogue []Operation

// Operations is everything that can be asked, in the order of help. The list
// is written out; a test finds an operation that is declared and not listed.
var Operations = Catalogue{
	opPatchStatus, opPatchInstall, opPatchReinstall, opPatchUpdate, opPatchRevert, opPatchReset,
	opExportCluster, opExportNode, opImportCluster, opImportNode, opBackups, opBackupsVerify, opBackupsFetch, opBackupsPrune,
	opMaintenanceStatus, opMaintenanceOn, opMaintenanceOff,
	opUpgradeStatus, opUpgradeCluster, opUpgradeNode,
	opRelocateServices, opRelocateDroplets, opRelocateContainers, opQuotaStatus, opQuotaEnable,
	opStatus, opNodes, opRoles, opProcesses, opVersion, opInfo, opInspect, opHistory, opStart, opStop, opRestart,
	opMonitorStatus, opNewRelicInstall, opMonitorNagios, opReport, opLogs,
	opHelp, opPlan,
}

// Find returns the operation with this name.
func (c Catalogue) Find(name string) (Operation, bool) {
	for _, op := range c {
		if op.Name == name {
			return op, true
		}
	}
	return Operation{}, false
}
