# Tries install.ps1 with a release in a folder, on Windows: good, corrupted, absent; in both PowerShells.
param([Parameter(Mandatory)][string] $Release)
$ErrorActionPreference = 'Stop'
$port = 8423
$arguments = '-m', 'http.server', "$port", '--bind', '127.0.0.1', '--directory', $Release
$server = Start-Process -PassThru -NoNewWindow python -ArgumentList $arguments
$env:HOOKFERRY_BASE_URL = "http://127.0.0.1:$port"

function Assert-Code([int] $wanted, [string] $what) {
  if ($LASTEXITCODE -ne $wanted) { throw "${what}: exit code $LASTEXITCODE, not $wanted" }
}

try {
  Invoke-WebRequest -Uri "$env:HOOKFERRY_BASE_URL/SHA256SUMS" -MaximumRetryCount 20 -RetryIntervalSec 1 | Out-Null
  $executable = Join-Path $Release 'hookferry-windows-x64.exe'
  $good = [IO.File]::ReadAllBytes((Resolve-Path $executable))
  foreach ($shell in 'pwsh', 'powershell') {
    $dir = Join-Path ([IO.Path]::GetTempPath()) "hookferry-$shell"
    $install = '-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', "$PSScriptRoot/install.ps1", '-Dir', $dir
    & $shell @install
    Assert-Code 0 "$shell install"
    & "$dir\hookferry.exe" dev --once
    Assert-Code 0 'dev --once'
    [IO.File]::WriteAllBytes((Resolve-Path $executable), $good + [byte[]] 1)
    & $shell @install
    Assert-Code 1 "$shell install of a corrupted file"
    [IO.File]::WriteAllBytes((Resolve-Path $executable), $good)
    & $shell @install -Version 99.0.0
    Assert-Code 1 "$shell install of a version that is not there"
    & "$dir\hookferry.exe" version
    Assert-Code 0 'the one that was there'
    & $shell @install -Uninstall
    Assert-Code 0 "$shell uninstall"
    if (Get-ChildItem -Force $dir) { throw "$dir is not empty" }
  }
}
finally { Stop-Process -Id $server.Id }
