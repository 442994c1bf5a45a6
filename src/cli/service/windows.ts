import { powershellWord } from "../quoting.ts";
import { commandWords, type Instance, madeBy, serviceName } from "./instance.ts";

/**
 * What to enter in PowerShell as administrator. The program does not speak with the service control manager, so it
 * is a task that begins at boot and is begun again when it ends.
 */
export function windowsInstructions(instance: Instance): string {
  const { name, program, user = "NT AUTHORITY\\LOCAL SERVICE", tokenFile } = instance;
  const state = `C:\\ProgramData\\hookferry\\${name}`;
  const words = commandWords(instance).map(inCmd).join(" ");
  const sets = [
    `set "XDG_STATE_HOME=${state}"`,
    ...(tokenFile === undefined ? [] : [`set "CONNECTOR_TOKEN_FILE=${tokenFile}"`]),
  ].join("&& ");
  const line = `/d /s /c "${sets}&& ${inCmd(program)} ${words} 2>>"${state}\\log""`;
  const title = powershellWord(serviceName(name));
  return `# ${madeBy}. In PowerShell, as administrator:
New-Item -ItemType Directory -Force ${powershellWord(state)} | Out-Null
icacls ${powershellWord(state)} /inheritance:r /grant 'Administrators:(OI)(CI)F' ${
    powershellWord(`${user}:(OI)(CI)M`)
  }
$action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument ${powershellWord(line)}
$trigger = New-ScheduledTaskTrigger -AtStartup
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -ExecutionTimeLimit ([TimeSpan]::Zero)
$principal = New-ScheduledTaskPrincipal -UserId ${powershellWord(user)} -LogonType ServiceAccount
Register-ScheduledTask -TaskName ${title} -Action $action -Trigger $trigger -Settings $settings -Principal $principal
Start-ScheduledTask -TaskName ${title}
# To end it:
# Stop-ScheduledTask -TaskName ${title}; Unregister-ScheduledTask -TaskName ${title}
`;
}

function inCmd(text: string): string {
  return /^[\w\\:./=-]+$/.test(text) ? text : `"${text}"`;
}
